//! A terminal: a pseudo-terminal with an emulated screen, to run the cockpit on.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::ExitStatus;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::termios::LocalModes;

use super::keys;
use super::world::{PATIENCE, PROGRAM, Running, Shell};

/// What a question says to an answer that may not have been meant as one.
const REFUSALS: [&str; 4] =
    ["press it once more", "press it again", "press it alone", "wait a moment, then type it"];
/// How long an answer may take on a busy machine.
const LONG: Duration = Duration::from_secs(10);
/// How long one may take that was refused before.
const SOON: Duration = Duration::from_secs(2);

/// A terminal with flightdeck running on it. Both end with this value.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    shared: Arc<Shared>,
    pub(crate) process: Running,
}

/// What the thread that reads the terminal shares with the test.
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct Seen {
    parser: vt100::Parser<Answers>,
    /// Nothing more will come: every process has let go of the terminal.
    closed: bool,
    /// Nothing is read for now, as by a terminal that hangs.
    held: bool,
}

/// What the terminal has to say to the program, and what the program copied.
#[derive(Default)]
struct Answers {
    pending: Vec<u8>,
    copied: Vec<String>,
    /// A frame was begun and is not whole: nobody sees it like this.
    in_frame: bool,
}

impl vt100::Callbacks for Answers {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _kind: &[u8], data: &[u8]) {
        self.copied.push(String::from_utf8_lossy(data).into_owned());
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        _second: Option<u8>,
        parameters: &[&[u16]],
        last: char,
    ) {
        let parameter = parameters.first().and_then(|group| group.first()).copied().unwrap_or(0);
        match (first, last, parameter) {
            // What are you? A terminal that knows colours and none of the newer protocols.
            (None, 'c', _) => self.pending.extend(b"\x1b[?62;22c"),
            (None, 'n', 5) => self.pending.extend(b"\x1b[0n"),
            (None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                write!(self.pending, "\x1b[{};{}R", row + 1, column + 1).unwrap();
            }
            // Synchronised output.
            (Some(b'?'), 'h', 2026) => self.in_frame = true,
            (Some(b'?'), 'l', 2026) => self.in_frame = false,
            (Some(b'?'), 'p', mode) => write!(self.pending, "\x1b[?{mode};0$y").unwrap(),
            _ => {}
        }
    }
}

fn lines(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has lines and columns")
}

impl Terminal {
    /// Starts flightdeck with arguments on a terminal of a size.
    pub(crate) fn open(shell: &Shell, rows: u16, columns: u16, arguments: &[&str]) -> Self {
        Self::open_program(shell, rows, columns, PROGRAM, arguments)
    }

    /// Starts any program on a terminal of a size.
    pub(crate) fn open_program(
        shell: &Shell,
        rows: u16,
        columns: u16,
        program: &str,
        arguments: &[&str],
    ) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&shell.directory)
            .env_clear()
            .envs(shell.variables.iter().map(|(name, value)| (name, value)))
            .spawn(pts)
            .unwrap();
        let parser = vt100::Parser::new_with_callbacks(lines(rows), lines(columns), 0, Answers::default());
        let seen = Seen { parser, closed: false, held: false };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), changed: Condvar::new() });
        let pty = Arc::new(pty);
        std::thread::spawn({
            let (pty, shared) = (pty.clone(), shared.clone());
            move || read(&pty, &shared)
        });
        Self { pty, shared, process: Running(child) }
    }

    /// Types keys, as `keys` reads them.
    pub(crate) fn press(&self, keys: &str) {
        self.send(&keys::bytes(keys));
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&self, bytes: &[u8]) {
        (&*self.pty).write_all(bytes).unwrap();
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let mut seen = self.shared.seen.lock().unwrap();
        seen.parser.screen_mut().set_size(lines(rows), lines(columns));
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    /// Wipes the screen without a word to the program: what is on it then was drawn after this.
    pub(crate) fn blank(&self) {
        self.shared.seen.lock().unwrap().parser.process(b"\x1b[2J");
    }

    /// Tells whether keys reach the program one by one, unechoed.
    pub(crate) fn is_raw(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&*self.pty).unwrap().local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Waits until everything that was written to the terminal is on the screen.
    pub(crate) fn wait_closed(&self) {
        let mut seen = self.shared.seen.lock().unwrap();
        while !seen.closed {
            seen = self.shared.changed.wait(seen).unwrap();
        }
    }

    /// Stops reading what the program writes, or goes on with it.
    pub(crate) fn hold(&self, held: bool) {
        self.shared.seen.lock().unwrap().held = held;
        self.shared.changed.notify_all();
    }

    /// What is on the screen now, without trailing blanks.
    pub(crate) fn screen(&self) -> String {
        text(self.shared.seen.lock().unwrap().parser.screen())
    }

    /// Looks at the screen cell by cell.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.shared.seen.lock().unwrap().parser.screen())
    }

    /// What the program copied to the clipboard so far, as it came (base64).
    pub(crate) fn copied(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().parser.callbacks().copied.clone()
    }

    /// Tells whether the program has the whole screen for itself.
    pub(crate) fn is_full_screen(&self) -> bool {
        self.shared.seen.lock().unwrap().parser.screen().alternate_screen()
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub(crate) fn wait_text(&self, wanted: &str) {
        self.wait_for(&format!("`{wanted}`"), |screen| screen.contains(wanted));
    }

    /// Waits until a text has gone from the screen.
    #[track_caller]
    pub(crate) fn wait_gone(&self, unwanted: &str) {
        self.wait_for(&format!("the end of `{unwanted}`"), |screen| !screen.contains(unwanted));
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let came = self.comes(PATIENCE, is_there);
        assert!(came, "waited for {what}, which did not come:\n{}", self.screen());
    }

    /// Presses keys, again and again, until the screen is as wanted: only for what may be refused
    /// because it came too soon after the question. Anything else is pressed once.
    #[track_caller]
    pub(crate) fn press_until(&self, keys: &str, what: &str, is_there: impl Fn(&str) -> bool) {
        let answers = ["y", "a"].contains(&keys) || keys.ends_with("<enter>") || keys == "<down>?";
        assert!(answers, "`{keys}` answers no question: press it once");
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Enter right behind a word is a paste: whoever types sees the word first. What was refused for
            // that is pressed again, not typed again.
            let again = self.screen().contains("press it once more");
            match keys.strip_suffix("<enter>").filter(|word| !word.is_empty()) {
                Some(_) if again => self.press("<enter>"),
                Some(word) => {
                    let typed = word.rsplit_once('>').map_or(word, |(_, typed)| typed);
                    self.press(word);
                    self.comes(Duration::from_secs(1), |screen| screen.contains(typed));
                    self.press("<enter>");
                }
                None => self.press(keys),
            }
            // On a busy machine an answer is taken late. One more of it would be a stray letter then, with
            // which the keys that follow are taken for text; so only what was refused is pressed again.
            let refused = |screen: &str| REFUSALS.iter().any(|words| screen.contains(words));
            let soon = if again { SOON } else { LONG };
            self.comes(soon, |screen| is_there(screen) || (!again && refused(screen)));
            // What was refused for coming too soon is refused again where it comes at once.
            if self.comes(Duration::from_millis(450), &is_there) {
                return;
            }
            let in_time = Instant::now() <= deadline;
            assert!(in_time, "pressed `{keys}` for {what}, which did not come:\n{}", self.screen());
        }
    }

    /// Tells whether the screen becomes as wanted in some time, and before the program ends.
    fn comes(&self, patience: Duration, is_there: impl Fn(&str) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        let mut seen = self.shared.seen.lock().unwrap();
        loop {
            if !seen.parser.callbacks().in_frame && is_there(&text(seen.parser.screen())) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.closed {
                return false;
            }
            seen = self.shared.changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub(crate) fn wait_end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.0.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() <= deadline,
                "the program on the terminal does not end:\n{}",
                self.screen()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The thread that reads ends with the program, unless it is held.
        self.hold(false);
    }
}

/// Reads what comes until nobody writes any more, and answers what the program asks.
fn read(pty: &Pty, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    // The end of a pseudo-terminal is an error on Linux and an empty read elsewhere.
    while let Ok(count @ 1..) = (&*pty).read(&mut buffer) {
        let mut seen = shared.seen.lock().unwrap();
        while seen.held {
            seen = shared.changed.wait(seen).unwrap();
        }
        seen.parser.process(&buffer[..count]);
        let answers = std::mem::take(&mut seen.parser.callbacks_mut().pending);
        drop(seen);
        (&*pty).write_all(&answers).ok();
        shared.changed.notify_all();
    }
    shared.seen.lock().unwrap().closed = true;
    shared.changed.notify_all();
}

fn text(screen: &vt100::Screen) -> String {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).fold(String::new(), |mut all, row| {
        writeln!(all, "{}", row.trim_end()).unwrap();
        all
    })
}
