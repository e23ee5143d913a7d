//! The settings in a configuration file of git, as git reads it.
//!
//! libgit2 could read one file (`Config::open`, entries of include depth 0), but only from its path: what was
//! parsed would not be what was hashed. It also follows includes while it does, whatever they are, and then
//! fails as a whole where one is missing a condition's repository, or is part of a circle.

/// A setting: its key, with all but the subsection in small letters, and its value.
pub(super) type Setting = (String, Vec<u8>);

/// All settings in a file, up to where git would refuse to go on.
pub(super) fn settings(text: &[u8]) -> Vec<Setting> {
    let mut text = Text { rest: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), ended: false };
    let (mut section, mut found) = (Vec::new(), Vec::new());
    loop {
        match text.next() {
            b'\n' if text.ended => return found,
            c if is_space(c) => {}
            b'#' | b';' => while text.next() != b'\n' {},
            b'[' => match text.section() {
                Some(name) => section = name,
                None => return found,
            },
            c if c.is_ascii_alphabetic() => match text.setting(c) {
                Some((key, value)) => {
                    let key = [section.as_slice(), b".", &key].concat();
                    found.push((String::from_utf8_lossy(&key).into_owned(), value));
                }
                None => return found,
            },
            _ => return found,
        }
    }
}

struct Text<'a> {
    rest: &'a [u8],
    ended: bool,
}

impl Text<'_> {
    /// The next character; the end is the end of a line, too.
    fn next(&mut self) -> u8 {
        let (c, rest) = match self.rest {
            [] => {
                self.ended = true;
                return b'\n';
            }
            [b'\r', b'\n', rest @ ..] => (b'\n', rest),
            [c, rest @ ..] => (*c, rest),
        };
        self.rest = rest;
        c
    }

    /// The name in a header, behind its bracket.
    fn section(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        let mut c = self.next();
        while c != b']' && !is_space(c) {
            if !is_key(c) && c != b'.' {
                return None;
            }
            name.push(c.to_ascii_lowercase());
            c = self.next();
        }
        if c == b']' {
            return Some(name);
        }
        while is_space(c) && c != b'\n' {
            c = self.next();
        }
        if c != b'"' {
            return None;
        }
        name.push(b'.');
        loop {
            match self.next() {
                b'"' => return (self.next() == b']').then_some(name),
                b'\\' => name.push(Some(self.next()).filter(|c| *c != b'\n')?),
                b'\n' => return None,
                c => name.push(c),
            }
        }
    }

    /// A key that begins with this letter, and its value.
    fn setting(&mut self, first: u8) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut key = vec![first.to_ascii_lowercase()];
        let mut c = self.next();
        while is_key(c) {
            key.push(c.to_ascii_lowercase());
            c = self.next();
        }
        while c == b' ' || c == b'\t' {
            c = self.next();
        }
        match c {
            b'\n' => Some((key, Vec::new())),
            b'=' => Some((key, self.value()?)),
            _ => None,
        }
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let (mut value, mut quoted, mut comment) = (Vec::new(), false, false);
        // Where blanks at its end begin.
        let mut blanks = None;
        loop {
            let c = self.next();
            match c {
                b'\n' if quoted => return None,
                b'\n' => {
                    value.truncate(blanks.unwrap_or(value.len()));
                    return Some(value);
                }
                _ if comment => {}
                c if is_space(c) && !quoted => {
                    blanks = blanks.or(Some(value.len()));
                    if !value.is_empty() {
                        value.push(c);
                    }
                }
                b'#' | b';' if !quoted => comment = true,
                c => {
                    blanks = None;
                    match c {
                        b'\\' => match self.next() {
                            b'\n' => {}
                            b't' => value.push(b'\t'),
                            b'b' => value.push(8),
                            b'n' => value.push(b'\n'),
                            c @ (b'\\' | b'"') => value.push(c),
                            _ => return None,
                        },
                        b'"' => quoted = !quoted,
                        c => value.push(c),
                    }
                }
            }
        }
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_key(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::testing::TestRepo;

    #[test]
    fn settings_are_those_that_git_reads() {
        let repo = TestRepo::new();
        let text = concat!(
            "\u{feff}; first\n[Include]path = a ; b\n\tPATH=\"c # d\"  \r\n",
            "[includeIf \"hasconfig:remote.*.url:\\\"x\\\\\"] # y\npath = e\\\n  f \\\"g\\\" \t\n",
            "[includeIf.onBranch:x]\n[INCLUDEIF.gitdir]pAth=h\n[core]\nbare\n  hooksPath = \"  .husky \" x # y\n",
            "[remote \"Origin\"] url = ssh://x?a=b#c\n[a-b]c-d\t=\t1 2  3\\t\\n",
        );
        // Git refuses the header with a colon, and so all of it.
        let good = text.replace("[includeIf.onBranch:x]\n", "");
        let file = repo.root().join("some.inc");
        std::fs::write(&file, &good).unwrap();
        let listed = repo.git(&["config", "--file", "some.inc", "--null", "--list"]);
        let listed: Vec<Setting> = listed
            .trim_end()
            .split('\0')
            .filter(|entry| !entry.is_empty())
            .map(|entry| entry.split_once('\n').unwrap_or((entry, "")))
            .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
            .collect();
        assert_eq!(listed.len(), 8, "{listed:?}");
        assert_eq!(settings(good.as_bytes()), listed);
        assert_eq!(settings(text.as_bytes()), listed[..3], "up to where git refuses to go on");
    }
}
