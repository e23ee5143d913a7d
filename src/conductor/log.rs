//! The output of a run: kept in files of a few megabytes, head and tail, whatever its length.
//!
//! Each file is named for the position of its first byte. Where the next file does not begin
//! at the end of the one before, what lies between was dropped: because the log is capped, or
//! because the disk took no more. Of what the disk did not take the log itself says how much it
//! was and why, in a line where it goes on, or at its end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::files::make_file;
use crate::failure::{Failure, Result};

/// How much of a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cap {
    /// Bytes in one file.
    pub(super) segment: u64,
    /// Whole files kept from the beginning.
    pub(super) head: usize,
    /// Whole files kept before the one being written.
    pub(super) tail: usize,
}

impl Cap {
    /// 8 MiB from the beginning, at least 24 MiB from the end.
    pub(super) const DEFAULT: Self = Self { segment: 4 << 20, head: 2, tail: 6 };
}

/// Room that a log leaves on the disk: what a run prints must not keep the journal from being
/// written.
const SPARE: u64 = 1 << 20;
/// Bytes after which the room is looked at again.
const LOOK_EVERY: u64 = 64 << 10;

/// Ending of the files' names.
const ENDING: &str = ".out";

/// Writes the log of a run. Never fails for good: what cannot be written counts as dropped.
#[derive(Debug)]
pub(super) struct LogWriter {
    dir: PathBuf,
    cap: Cap,
    /// Position of the next byte.
    position: u64,
    /// The file being written, and the position of its first byte.
    current: Option<(u64, File)>,
    /// First positions of the files that are there, the current one last.
    segments: Vec<u64>,
    /// The position at which the room on the disk is looked at next.
    look_at: u64,
    /// What the disk did not take, and the log does not tell of yet.
    lost: Lost,
}

/// Output that the disk did not take.
#[derive(Debug, Default)]
struct Lost {
    bytes: u64,
    line_ends: u64,
    /// The first reason.
    why: String,
}

impl Lost {
    fn add(&mut self, bytes: &[u8], error: &io::Error) {
        if self.bytes == 0 {
            self.why = match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk was full".to_owned(),
                _ => error.to_string(),
            };
        }
        self.count(bytes);
    }

    fn count(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.line_ends += bytes.split(|byte| *byte == b'\n').skip(1).count() as u64;
    }

    /// The line that says so.
    fn line(&self) -> String {
        let lines = match self.line_ends {
            0 => "part of a line".to_owned(),
            1 => "1 line".to_owned(),
            n => format!("{n} lines"),
        };
        let Self { bytes, why, .. } = self;
        format!("\r\n[flightdeck: {lines} of output ({bytes} bytes) could not be kept here: {why}]\r\n")
    }
}

impl LogWriter {
    /// Begins a log in a directory that has none.
    pub(super) fn new(dir: &Path, cap: Cap) -> Self {
        Self {
            dir: dir.to_owned(),
            cap,
            position: 0,
            current: None,
            segments: Vec::new(),
            look_at: 0,
            lost: Lost::default(),
        }
    }

    /// Appends output.
    pub(super) fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.write_some(bytes) {
                Ok(taken) => bytes = bytes.get(taken..).unwrap_or_default(),
                Err(error) => {
                    // The rest is lost; a new file shows the gap once the disk takes more.
                    self.give_up_segment();
                    self.position += bytes.len() as u64;
                    self.lost.add(bytes, &error);
                    return;
                }
            }
        }
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.leave_room()?;
        if self.current.as_ref().is_some_and(|(start, _)| self.position - start >= self.cap.segment) {
            self.current = None;
        }
        if self.current.is_none() {
            self.begin_segment()?;
        }
        if self.lost.bytes > 0 {
            // The line may fill the file.
            return self.tell_loss().map(|()| 0);
        }
        let Some((start, file)) = &mut self.current else { return Err(io::ErrorKind::Other.into()) };
        let room = (self.cap.segment - (self.position - *start)) as usize;
        let taken = file.write(bytes.get(..room).unwrap_or(bytes))?;
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.position += taken as u64;
        Ok(taken)
    }

    /// Writes down what was lost before the current file.
    fn tell_loss(&mut self) -> io::Result<()> {
        let Some((start, file)) = &mut self.current else { return Err(io::ErrorKind::Other.into()) };
        let line = self.lost.line();
        if let Err(error) = file.write_all(line.as_bytes()) {
            // Half a line would be read as output.
            file.set_len(self.position - *start)?;
            return Err(error);
        }
        self.position += line.len() as u64;
        self.lost = Lost::default();
        Ok(())
    }

    /// Writes down what was lost at the end of the log: in the room that is left for the journal,
    /// which a line does not use up, or over the last of what was kept.
    fn tell_last_loss(&mut self) -> io::Result<()> {
        if self.lost.bytes == 0 {
            return Ok(());
        }
        self.current = None;
        if self.begin_segment().and_then(|()| self.tell_loss()).is_ok() {
            return Ok(());
        }
        self.give_up_segment();
        let Some(&last) = self.segments.last() else { return Err(io::ErrorKind::StorageFull.into()) };
        let file = OpenOptions::new().read(true).write(true).open(path_of(&self.dir, last))?;
        // What makes room counts as lost, and that may make the line longer.
        let room = self.lost.line().len() as u64 + 32;
        let end = file.metadata()?.len();
        let at = end.saturating_sub(room);
        let mut kept = vec![0; usize::try_from(end - at).unwrap_or(0)];
        file.read_exact_at(&mut kept, at)?;
        self.lost.count(&kept);
        let mut line = self.lost.line().into_bytes();
        let blanks = kept.len().checked_sub(line.len()).ok_or(io::ErrorKind::StorageFull)?;
        line.splice(0..0, std::iter::repeat_n(b' ', blanks));
        file.write_all_at(&line, at)?;
        self.lost = Lost::default();
        Ok(())
    }

    /// Leaves the current file; one that got nothing is no part of the log.
    fn give_up_segment(&mut self) {
        let Some((start, _)) = self.current.take() else { return };
        if start == self.position {
            self.segments.pop();
            // An empty file takes no room and holds no output: it may as well stay.
            let _ = std::fs::remove_file(path_of(&self.dir, start));
        }
    }

    /// Refuses to take the last room on the disk.
    fn leave_room(&mut self) -> io::Result<()> {
        if self.position >= self.look_at {
            let disk = rustix::fs::statvfs(&self.dir)?;
            if disk.f_bavail.saturating_mul(disk.f_frsize) < SPARE {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.look_at = self.position + LOOK_EVERY;
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let file = make_file(&path_of(&self.dir, self.position))?;
        self.current = Some((self.position, file));
        self.segments.push(self.position);
        while self.segments.len() > self.cap.head + self.cap.tail + 1 {
            let oldest = self.segments.remove(self.cap.head);
            std::fs::remove_file(path_of(&self.dir, oldest))?;
        }
        Ok(())
    }

    /// Makes sure that what was written survives a loss of power.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let told = self.tell_last_loss();
        for &start in &self.segments {
            File::open(path_of(&self.dir, start))?.sync_data()?;
        }
        File::open(&self.dir)?.sync_all()?;
        told
    }
}

fn path_of(dir: &Path, start: u64) -> PathBuf {
    dir.join(format!("{start:020}{ENDING}"))
}

/// First positions of the files in a directory, in order.
fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let start = name.to_str().and_then(|name| name.strip_suffix(ENDING));
        found.extend(start.and_then(|start| start.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads the log of a run from any position, while it is being written or afterwards.
#[derive(Debug)]
pub struct LogReader {
    dir: PathBuf,
    position: u64,
    /// The file being read and the position of its first byte.
    current: Option<(u64, File)>,
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Raw terminal output.
    Bytes(Vec<u8>),
    /// So many bytes were dropped here: the log is capped.
    Dropped(u64),
}

impl LogReader {
    /// Opens the log at `position` bytes from its beginning.
    ///
    /// # Errors
    /// There is no such log, or it cannot be read.
    pub fn open(dir: &Path, position: u64) -> Result<Self> {
        segments(dir).map_err(|error| cannot_read(dir, &error))?;
        Ok(Self { dir: dir.to_owned(), position, current: None })
    }

    /// Reads up to `max` bytes that are there now; `None` where there are no more yet.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn read(&mut self, max: usize) -> Result<Option<Chunk>> {
        self.try_read(max).map_err(|error| cannot_read(&self.dir, &error))
    }

    fn try_read(&mut self, max: usize) -> io::Result<Option<Chunk>> {
        if let Some(chunk) = self.read_current(max)? {
            return Ok(Some(chunk));
        }
        let starts = segments(&self.dir)?;
        let here = self.current.as_ref().map(|(start, _)| *start);
        let next = match starts.iter().rev().find(|&&start| start <= self.position) {
            Some(&start) if here != Some(start) && self.ends_after(start)? => start,
            _ => match starts.iter().find(|&&start| start > self.position) {
                Some(&start) => start,
                None => return Ok(None),
            },
        };
        // More may have come into the current file between reading it and finding the next.
        if let Some(chunk) = self.read_current(max)? {
            return Ok(Some(chunk));
        }
        match File::open(path_of(&self.dir, next)) {
            Ok(file) => self.current = Some((next, file)),
            // Dropped in the meantime: the next call finds what is there then.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        if next > self.position {
            let dropped = next - self.position;
            self.position = next;
            return Ok(Some(Chunk::Dropped(dropped)));
        }
        self.read_current(max)
    }

    fn read_current(&mut self, max: usize) -> io::Result<Option<Chunk>> {
        let Some((start, file)) = &mut self.current else { return Ok(None) };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.position - *start))?;
        file.take(max as u64).read_to_end(&mut bytes)?;
        self.position += bytes.len() as u64;
        Ok((!bytes.is_empty()).then_some(Chunk::Bytes(bytes)))
    }

    /// Tells whether the file that begins at `start` holds the byte at the position, or is
    /// the last one and may yet.
    fn ends_after(&self, start: u64) -> io::Result<bool> {
        match std::fs::metadata(path_of(&self.dir, start)) {
            Ok(file) => Ok(start + file.len() > self.position),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The parts that are there now, in order: from which position to which.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn parts(&self) -> Result<Vec<Range<u64>>> {
        let starts = segments(&self.dir).map_err(|error| cannot_read(&self.dir, &error))?;
        let size = |start: &u64| std::fs::metadata(path_of(&self.dir, *start)).map(|file| file.len());
        // One that has gone since they were listed was dropped.
        Ok(starts.iter().filter_map(|start| Some(*start..*start + size(start).ok()?)).collect())
    }

    /// The position reached.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes written so far, dropped ones included.
    pub fn len(&self) -> u64 {
        let last = segments(&self.dir).ok().and_then(|starts| starts.last().copied());
        let Some(last) = last else { return 0 };
        last + std::fs::metadata(path_of(&self.dir, last)).map_or(0, |file| file.len())
    }

    /// Tells whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn cannot_read(dir: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "the run left no output on this machine; it may have been made on another",
        _ => "check the permissions of that directory",
    };
    Failure::new(format!("reading the log in {}", dir.display()), error, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Cap = Cap { segment: 10, head: 2, tail: 3 };

    fn numbered(lines: Range<u32>) -> Vec<u8> {
        lines.flat_map(|n| format!("{n:04}\n").into_bytes()).collect()
    }

    fn read_all(reader: &mut LogReader) -> Vec<Chunk> {
        let mut chunks: Vec<Chunk> = Vec::new();
        while let Some(chunk) = reader.read(7).unwrap() {
            match (chunks.last_mut(), chunk) {
                (Some(Chunk::Bytes(before)), Chunk::Bytes(more)) => before.extend(more),
                (_, chunk) => chunks.push(chunk),
            }
        }
        chunks
    }

    #[test]
    fn what_fits_is_read_whole_from_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::new(dir.path(), SMALL);
        log.write(&numbered(0..9));
        for position in 0..=45 {
            let mut reader = LogReader::open(dir.path(), position).unwrap();
            let rest = numbered(0..9)[position as usize..].to_vec();
            let expected = if rest.is_empty() { vec![] } else { vec![Chunk::Bytes(rest)] };
            assert_eq!(read_all(&mut reader), expected, "from {position}");
            assert_eq!((reader.position(), reader.len()), (45, 45));
        }
    }

    #[test]
    fn a_long_log_keeps_head_and_tail_and_says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::new(dir.path(), SMALL);
        for line in 0..1000 {
            log.write(&numbered(line..line + 1));
        }
        let mut reader = LogReader::open(dir.path(), 0).unwrap();
        let chunks = read_all(&mut reader);
        assert_eq!(chunks[0], Chunk::Bytes(numbered(0..4)));
        assert_eq!(chunks[1], Chunk::Dropped(4960 - 20));
        assert_eq!(chunks[2], Chunk::Bytes(numbered(992..1000)));
        assert_eq!(chunks.len(), 3);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 6);
        assert_eq!(reader.len(), 5000);
        assert_eq!(reader.parts().unwrap().iter().map(|part| part.end - part.start).sum::<u64>(), 60);
        assert_eq!(reader.position(), 5000);
    }

    #[test]
    fn a_reader_follows_the_writer_even_when_it_is_overtaken() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::new(dir.path(), SMALL);
        let mut reader = LogReader::open(dir.path(), 0).unwrap();
        assert_eq!(reader.read(100).unwrap(), None);
        assert!(reader.is_empty());
        log.write(b"ab");
        assert_eq!(reader.read(100).unwrap(), Some(Chunk::Bytes(b"ab".to_vec())));
        assert_eq!(reader.read(100).unwrap(), None);
        log.write(b"cd");
        assert_eq!(reader.read(100).unwrap(), Some(Chunk::Bytes(b"cd".to_vec())));
        let before = reader.position();
        log.write(&[b'x'; 1000]);
        let mut seen = before;
        while let Some(chunk) = reader.read(100).unwrap() {
            seen += match chunk {
                Chunk::Bytes(bytes) => bytes.len() as u64,
                Chunk::Dropped(count) => count,
            };
        }
        assert_eq!(seen, 1004);
    }

    #[test]
    fn what_the_disk_refuses_is_a_gap_and_the_log_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("log");
        std::fs::create_dir(&inner).unwrap();
        let mut log = LogWriter::new(&inner, SMALL);
        log.write(b"before");
        std::fs::rename(&inner, dir.path().join("away")).unwrap();
        for _ in 0..20 {
            log.write(b"1234567890");
        }
        std::fs::rename(dir.path().join("away"), &inner).unwrap();
        log.write(b"after");
        let mut reader = LogReader::open(&inner, 0).unwrap();
        let chunks = read_all(&mut reader);
        let [Chunk::Bytes(before), Chunk::Dropped(196), Chunk::Bytes(after)] = &chunks[..] else {
            panic!("what could not be written takes no file's place: {chunks:?}");
        };
        let after = String::from_utf8_lossy(after);
        assert_eq!(before, b"before1234");
        assert!(
            after.contains("part of a line of output (196 bytes)") && after.ends_with("]\r\nafter"),
            "{after}"
        );
        log.sync().unwrap();
    }

    #[test]
    fn a_log_that_lost_its_end_says_how_much() {
        for full in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let mut log = LogWriter::new(dir.path(), Cap { segment: 1000, head: 2, tail: 3 });
            log.write(&numbered(0..100));
            log.lost.add(&numbered(100..150), &io::ErrorKind::StorageFull.into());
            log.position += 250;
            if full {
                // Nothing new can be made where its name is taken.
                std::os::unix::fs::symlink("nowhere", path_of(dir.path(), log.position)).unwrap();
            }
            log.sync().unwrap();
            let mut text = String::new();
            for chunk in read_all(&mut LogReader::open(dir.path(), 0).unwrap()) {
                if let Chunk::Bytes(bytes) = chunk {
                    text.push_str(&String::from_utf8(bytes).unwrap());
                }
            }
            assert!(text.starts_with("0000\n0001\n"), "{text}");
            let (kept, said) = text.split_once("[flightdeck: ").unwrap();
            let lost: usize = said.split(' ').next().unwrap().parse().unwrap();
            assert!(said.ends_with("could not be kept here: the disk was full]\r\n"), "{said}");
            let kept = kept.lines().filter(|line| line.trim().len() == 4).count();
            // One of them may have lost its end only.
            assert!((150..=151).contains(&(kept + lost)), "{text}");
        }
    }

    #[test]
    fn what_is_lost_is_counted() {
        let mut lost = Lost::default();
        lost.add(b"half", &io::ErrorKind::StorageFull.into());
        assert!(
            lost.line()
                .contains("part of a line of output (4 bytes) could not be kept here: the disk was full")
        );
        lost.add(b" a line\nand", &io::ErrorKind::NotFound.into());
        assert!(
            lost.line().contains("1 line of output (15 bytes) could not be kept here: the disk was full")
        );
    }

    #[test]
    fn a_log_that_is_not_there_is_a_failure_with_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        let failure = LogReader::open(&dir.path().join("none"), 0).unwrap_err();
        assert!(failure.hint.contains("on this machine"), "{failure}");
    }
}
