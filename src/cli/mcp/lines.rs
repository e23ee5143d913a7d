//! The lines between a client and the server: one that is no JSON is answered here, as JSON-RPC says, since the library
//! passes over it in silence and a client would wait for ever.

use std::io;

use serde_json::json;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
    BufReader, DuplexStream,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Most bytes of a line: longer ones the library drops.
const MOST: usize = 16 * 1024 * 1024;
/// Bytes that may lie between the client and the server.
const BETWEEN: usize = 64 * 1024;

/// What the server reads and writes in place of a client's lines; and what ends once all that it wrote is out.
pub(super) fn guarded<R, W>(input: R, output: W) -> (DuplexStream, DuplexStream, JoinHandle<io::Result<()>>)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (to_server, reads) = tokio::io::duplex(BETWEEN);
    let (writes, from_server) = tokio::io::duplex(BETWEEN);
    let (refusals, refused) = mpsc::channel(16);
    tokio::spawn(take_in(BufReader::new(input), to_server, refusals));
    (reads, writes, tokio::spawn(hand_out(output, from_server, refused)))
}

/// Hands on the lines that are JSON, and has the others refused.
async fn take_in(
    mut input: impl AsyncBufRead + Unpin,
    mut server: DuplexStream,
    refusals: mpsc::Sender<String>,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = u64::try_from(MOST).unwrap_or(u64::MAX);
        if (&mut input).take(most).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let refusal = if line.len() == MOST && !line.ends_with(b"\n") {
            skip(&mut input).await?;
            Some(refusal(&format!("a message of more than {} MiB", MOST >> 20)))
        } else if line.trim_ascii().is_empty() || is_json(&line) {
            None
        } else {
            Some(refusal("a message is one line of JSON"))
        };
        match refusal {
            None => {
                server.write_all(line.trim_ascii_end()).await?;
                server.write_all(b"\n").await?;
            }
            // Whoever writes them out is gone with the server.
            Some(refusal) => refusals.send(refusal).await.map_err(|_| io::ErrorKind::BrokenPipe)?,
        }
    }
}

/// Passes over the rest of a line.
async fn skip(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<()> {
    loop {
        let some = input.fill_buf().await?;
        let end = some.iter().position(|byte| *byte == b'\n');
        let (took, is_over) = (end.map_or(some.len(), |end| end + 1), end.is_some() || some.is_empty());
        input.consume(took);
        if is_over {
            return Ok(());
        }
    }
}

/// Writes out what the server answers and what is refused, line by line, so that neither stands inside of the other.
async fn hand_out(
    mut output: impl AsyncWrite + Unpin,
    server: DuplexStream,
    mut complaints: mpsc::Receiver<String>,
) -> io::Result<()> {
    let (mut server, mut line, mut refuses) = (BufReader::new(server), Vec::new(), true);
    loop {
        // What was read of a line stays in it where the other comes first.
        tokio::select! {
            read = server.read_until(b'\n', &mut line) => {
                if read? == 0 {
                    break;
                }
                output.write_all(&line).await?;
                line.clear();
            }
            refusal = complaints.recv(), if refuses => match refusal {
                Some(refusal) => output.write_all(refusal.as_bytes()).await?,
                None => refuses = false,
            },
        }
        output.flush().await?;
    }
    while let Ok(refusal) = complaints.try_recv() {
        output.write_all(refusal.as_bytes()).await?;
    }
    output.flush().await
}

/// Tells whether a line is JSON, as the library reads it.
fn is_json(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    std::str::from_utf8(line).is_ok_and(|line| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok())
}

/// The answer to what cannot be read: nobody can tell what it was an answer to.
fn refusal(why: &str) -> String {
    let error = json!({ "code": -32700, "message": format!("Parse error: {why}") });
    format!("{}\n", json!({ "jsonrpc": "2.0", "id": null, "error": error }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out where a server answers each line that it reads with the same line.
    fn answered(input: &'static [u8]) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (writes, mut out) = tokio::io::duplex(BETWEEN);
            let (mut reads, mut answers, done) = guarded(input, writes);
            tokio::io::copy(&mut reads, &mut answers).await.unwrap();
            drop(answers);
            done.await.unwrap().unwrap();
            let mut said = String::new();
            out.read_to_string(&mut said).await.unwrap();
            said.lines().map(str::to_owned).collect()
        })
    }

    #[test]
    fn a_line_that_is_no_json_is_refused_and_the_others_come_through_whole() {
        let said = answered(b"{\"id\":1}\r\n\nnot json\n{\"id\":\n\xff\n\"\xff\"\n[2]\n{\"id\":3}");
        let (refused, whole): (Vec<_>, Vec<_>) = said.iter().partition(|line| line.contains("-32700"));
        assert_eq!(
            whole.iter().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            [&"{\"id\":1}", &"[2]", &"{\"id\":3}"]
        );
        assert_eq!(refused.len(), 4, "{said:?}");
        for line in refused {
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((&read["id"], &read["error"]["code"]), (&serde_json::Value::Null, &(-32700).into()));
        }
    }
}
