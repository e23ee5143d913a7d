//! Mail: what a server is told, and what its answers mean.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::*;

/// A mail server that answers as told, and keeps what it was told.
struct MailServer {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Starts one; `answer` gets each command, and the text of a mail as one; it hangs up where that is empty.
    fn start(mut answer: impl FnMut(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        // It ends with the process: nothing waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
                let mut is_text = false;
                loop {
                    let mut said = String::new();
                    let end = if is_text { "\r\n.\r\n" } else { "\n" };
                    while !said.ends_with(end) && lines.read_line(&mut said).is_ok_and(|read| read > 0) {}
                    if said.is_empty() {
                        break;
                    }
                    let said = said.trim_end().to_owned();
                    kept.lock().unwrap().push(said.clone());
                    let answer = answer(&said);
                    if answer.is_empty() || stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                    is_text = answer.starts_with("354");
                }
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// What a server answers that takes everything.
fn usual(said: &str) -> String {
    let answer = match said.split(' ').next().unwrap_or_default() {
        "EHLO" => "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
        "AUTH" => "235 2.7.0 welcome",
        "MAIL" | "RCPT" => "250 2.1.0 ok",
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        _ => "250 2.0.0 queued as 4711",
    };
    format!("{answer}\r\n")
}

fn by_mail(port: u16, more: &str) -> (tempfile::TempDir, Desk) {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("password"), "XyzzySecretOfTheMail\n").unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"SMTP_PASSWORD\"\nfile = {:?}\n\
         [[channels]]\nname = \"mail\"\nkind = \"smtp\"\naudiences = [\"stakeholders\"]\nhost = \"127.0.0.1\"\nport = {port}\n\
         from = \"Störung <incidents@shop.example>\"\nto = [\"board@shop.example\", \"Ann Li <ann@shop.example>\"]\n\
         reply_to = \"desk@shop.example\"\n{more}",
        secrets.path().join("password"),
    ));
    (secrets, desk)
}

const CLEAR: &str = "tls = \"none\"\nuser = \"incidents\"\nsecret = \"SMTP_PASSWORD\"\n";

#[test]
fn a_mail_goes_out_once_and_the_next_stands_in_its_thread() {
    let server = MailServer::start(usual);
    let (_secrets, desk) = by_mail(server.port, CLEAR);
    assert_eq!(desk.sends(TEXT), [(Delivery::Accepted, String::new())]);
    let heard = server.heard();
    let login = heard.iter().find(|line| line.starts_with("AUTH PLAIN ")).unwrap();
    assert!(!login.contains("Xyzzy"), "it is encoded: {login}");
    let message = desk.state().messages[0].clone();
    let date = jiff::fmt::rfc2822::to_string(&message.at.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    let kept: Vec<String> = heard.iter().filter(|line| !line.starts_with("AUTH")).cloned().collect();
    let said = kept.join("\n").replace(&message.id.to_string(), "MESSAGE").replace(&date, "DATE");
    is_this("smtp.txt", &format!("{}\n", said.replace('\r', "")));
    assert_eq!(desk.state().told.len(), 1);
    assert_eq!(message.ways[0].reference, format!("flightdeck.{}@shop.example", message.id));
    assert_eq!(desk.sends("It is better")[0].0, Delivery::Accepted);
    let next = server.heard().into_iter().rfind(|said| said.contains("Subject: It is better")).unwrap();
    assert!(next.contains(&format!("In-Reply-To: <{}>", message.ways[0].reference)), "{next}");
    assert!(!desk.exported().contains("Xyzzy"));
}

#[test]
fn a_mail_server_puts_off_with_4_refuses_with_5_and_who_hangs_up_on_the_text_may_have_it() {
    for (at, answer, end, why) in [
        ("EHLO", "", Delivery::Waiting, "127.0.0.1"),
        ("EHLO", "554 no service for you", Delivery::Failed, "554"),
        (
            "AUTH",
            "535 5.7.8 bad credentials",
            Delivery::Failed,
            "see whether `user` and the secret are right",
        ),
        ("AUTH", "454 4.7.0 later", Delivery::Waiting, "454"),
        ("MAIL", "451 4.3.0 try later", Delivery::Waiting, "451"),
        ("MAIL", "550 5.7.1 not from you", Delivery::Failed, "MAIL FROM: 550"),
        ("RCPT", "550 5.1.1 no such user", Delivery::Failed, "RCPT TO board@shop.example: 550"),
        ("RCPT", "450 4.2.0 greylisted", Delivery::Waiting, "greylisted"),
        ("DATA", "", Delivery::Waiting, "127.0.0.1"),
        ("From:", "452 4.3.1 disk full", Delivery::Waiting, "disk full"),
        ("From:", "554 5.7.1 spam", Delivery::Failed, "spam"),
        ("From:", "", Delivery::Unknown, "it may have been received"),
        ("From:", "<html>", Delivery::Unknown, "it may have been received"),
    ] {
        let server = MailServer::start(move |said| match (said.starts_with(at), answer) {
            (true, "") => String::new(),
            (true, answer) => format!("{answer}\r\n"),
            _ => usual(said),
        });
        let (_secrets, desk) = by_mail(server.port, CLEAR);
        let ways = desk.sends(TEXT);
        assert_eq!(ways[0].0, end, "{at} {answer}: {}", ways[0].1);
        assert!(ways[0].1.contains(why), "{at} {answer}: {}", ways[0].1);
        assert!(desk.state().told.is_empty() && !desk.exported().contains("Xyzzy"), "{at} {answer}");
    }
}

#[test]
fn who_is_refused_is_told_and_the_others_get_it() {
    let server = MailServer::start(|said| match said {
        "RCPT TO:<ann@shop.example>" => "550 5.1.1 no such user\r\n".to_owned(),
        said => usual(said),
    });
    let (_secrets, desk) = by_mail(server.port, CLEAR);
    let ways = desk.sends(TEXT);
    assert_eq!(ways[0].0, Delivery::Accepted);
    assert!(ways[0].1.contains("but not to everybody: 127.0.0.1"), "{ways:?}");
    let said = desk.state().timeline.iter().last().unwrap().text.to_owned();
    assert!(said.contains("(mail, but not to everybody: 127.0.0.1"), "{said}");
}

#[test]
fn nothing_goes_unencrypted_where_it_was_to_be_encrypted() {
    let server = MailServer::start(usual);
    let login = "user = \"incidents\"\nsecret = \"SMTP_PASSWORD\"\n";
    let (_secrets, desk) = by_mail(server.port, &format!("tls = \"starttls\"\n{login}"));
    let ways = desk.sends(TEXT);
    assert_eq!(ways[0].0, Delivery::Failed);
    assert!(ways[0].1.contains("does not offer STARTTLS"), "{ways:?}");
    assert!(
        server.heard().iter().all(|said| said.starts_with("EHLO") || said == "QUIT"),
        "{:?}",
        server.heard()
    );
    // A server that does not speak TLS is not spoken to at all.
    let (_secrets, desk) = by_mail(server.port, &format!("timeout = \"2s\"\n{login}"));
    assert_eq!(desk.sends(TEXT)[0].0, Delivery::Waiting);
    assert!(!server.heard().iter().any(|said| said.starts_with("AUTH")), "{:?}", server.heard());
}

#[test]
fn a_title_adds_no_header_and_a_line_of_one_dot_ends_nothing() {
    let server = MailServer::start(usual);
    let (_secrets, desk) = by_mail(server.port, CLEAR);
    let text = "down\rBcc: eve@evil.example\rX: y\nfirst\n.\nRCPT TO:<eve@evil.example>\n";
    assert_eq!(desk.sends(text)[0].0, Delivery::Accepted);
    let heard = server.heard();
    let mail = heard.iter().find(|said| said.starts_with("From:")).unwrap();
    let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
    let added = |line: &str| line.starts_with("Bcc") || line.starts_with("X:");
    assert!(!headers.lines().any(added), "{headers}");
    assert!(!headers.replace("\r\n", "").contains('\r') && body.contains("\r\n..\r\nRCPT TO"), "{mail}");
    assert_eq!(heard.iter().filter(|said| said.starts_with("RCPT")).count(), 2);
}
