//! Mail, as it leaves this machine: encrypted, to a server whose certificate the machine trusts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::conductor::Yard;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");

/// A mail server that speaks TLS from the beginning, or after STARTTLS; what it was told then.
fn mail_server(starttls: bool) -> (u16, Arc<Mutex<Vec<String>>>) {
    let chain = vec![CertificateDer::from_pem_file(format!("{KEPT}/server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(format!("{KEPT}/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    // It ends with the tests.
    std::thread::spawn(move || {
        for tcp in listener.incoming() {
            let mut tcp = tcp.unwrap();
            if starttls && !begins(&mut tcp) {
                continue;
            }
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, tcp));
            if !starttls && stream.get_mut().write_all(b"220 mail.example ESMTP\r\n").is_err() {
                continue;
            }
            let mut is_text = false;
            loop {
                let mut said = String::new();
                let end = if is_text { "\r\n.\r\n" } else { "\n" };
                while !said.ends_with(end) && stream.read_line(&mut said).is_ok_and(|read| read > 0) {}
                if said.is_empty() {
                    break;
                }
                let answer: &[u8] = match said.split(' ').next().unwrap_or_default() {
                    "EHLO" => b"250-mail.example\r\n250 AUTH PLAIN\r\n",
                    "AUTH" => b"235 welcome\r\n",
                    "DATA\r\n" => b"354 go on\r\n",
                    _ => b"250 ok\r\n",
                };
                is_text = answer.starts_with(b"354");
                kept.lock().unwrap().push(said);
                if stream.get_mut().write_all(answer).is_err() {
                    break;
                }
            }
        }
    });
    (port, heard)
}

/// Greets in the clear, and goes on where TLS is begun.
fn begins(tcp: &mut TcpStream) -> bool {
    let mut said = String::new();
    let mut lines = BufReader::new(tcp.try_clone().unwrap());
    let greeted = tcp.write_all(b"220 mail.example ESMTP\r\n").is_ok() && lines.read_line(&mut said).is_ok();
    let offered = greeted && tcp.write_all(b"250-mail.example\r\n250 STARTTLS\r\n").is_ok();
    said.clear();
    offered
        && lines.read_line(&mut said).is_ok()
        && said == "STARTTLS\r\n"
        && tcp.write_all(b"220 go on\r\n").is_ok()
}

#[test]
fn mail_is_sent_over_tls_to_a_server_that_is_trusted_and_to_no_other() {
    for (starttls, tls) in [(false, "implicit"), (true, "starttls")] {
        sends(mail_server(starttls), tls);
    }
}

#[test]
fn a_mail_server_of_an_authority_of_ones_own_is_trusted_and_another_is_not() {
    for (starttls, tls) in [(false, "implicit"), (true, "starttls")] {
        let (port, heard) = mail_server(starttls);
        let config = |ca: &str| {
            format!(
                "[[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\"]\n\
                 [[channels]]\nname = \"mail\"\nkind = \"smtp\"\naudiences = [\"stakeholders\"]\nhost = \"localhost\"\nport = {port}\ntls = \"{tls}\"\n\
                 from = \"us@shop.example\"\nto = \"board@shop.example\"\nca_file = \"{ca}\"\n"
            )
        };
        let send = ["message", "alert", "--send", "--yes"];
        for (ca, said) in [("ops/none.pem", "cannot be read"), ("deploy.sh", "holds no certificate in PEM")] {
            let refused = Yard::new(&config(ca), "true").shell.flightdeck(&send).ended_with(1);
            assert!(refused.stdout.contains(said), "{}", refused.stdout);
        }
        // That of another server is no authority for this one.
        let other = Yard::new(&config(&format!("{KEPT}/other.pem")), "true");
        let refused = other.shell.flightdeck(&send).ended_with(1);
        assert!(refused.stdout.contains("▲ mail waiting: "), "{}", refused.stdout);
        assert!(heard.lock().unwrap().is_empty(), "nothing was told to a stranger");
        let yard = Yard::new(&config(&format!("{KEPT}/ca.pem")), "true");
        let accepted = yard.shell.flightdeck(&send).succeeded();
        assert!(accepted.stdout.contains("✓ mail accepted"), "{}", accepted.stdout);
        assert!(heard.lock().unwrap().concat().contains("RCPT TO:<board@"));
    }
}

fn sends((port, heard): (u16, Arc<Mutex<Vec<String>>>), tls: &str) {
    let config = format!(
        "[[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\"]\n\
         [[secrets]]\nname = \"SMTP_PASSWORD\"\n\
         [[channels]]\nname = \"mail\"\nkind = \"smtp\"\naudiences = [\"stakeholders\"]\nhost = \"localhost\"\nport = {port}\ntls = \"{tls}\"\n\
         user = \"incidents\"\nsecret = \"SMTP_PASSWORD\"\nfrom = \"us@shop.example\"\nto = \"board@shop.example\"\n"
    );
    let yard = Yard::new(&config, "true");
    let shell = yard.shell.clone().with("SMTP_PASSWORD", "XyzzySecretOfTheMail");
    let send = ["message", "alert", "--send", "--yes"];
    let refused = shell.flightdeck(&send).ended_with(1);
    assert!(refused.stdout.contains("▲ mail waiting: "), "{}", refused.stdout);
    assert!(heard.lock().unwrap().is_empty(), "nothing was told to a stranger");
    let trusting = shell.with("SSL_CERT_FILE", Path::new(KEPT).join("ca.pem"));
    let flushed = trusting.flightdeck(&["message", "--flush", "--yes"]).succeeded();
    assert!(flushed.stdout.contains("✓ mail accepted"), "{}", flushed.stdout);
    let heard = heard.lock().unwrap().concat();
    assert!(
        heard.contains("AUTH PLAIN ") && heard.contains("Subject: ") && heard.contains("RCPT TO:<board@"),
        "{heard}"
    );
    let export = trusting.flightdeck(&["export"]).succeeded().stdout;
    assert!(!export.contains("XyzzySecret"), "{export}");
}
