//! What looks like the address of somebody or of a machine: mail, IPv4 and IPv6, hosts in addresses of pages, and names
//! of hosts with endings that files do not have.

use std::net::Ipv6Addr;
use std::ops::Range;

/// Last parts of names of hosts. What is the ending of files as well is left out: `main.rs`, `deploy.sh`.
const ENDINGS: [&str; 44] = [
    "ai",
    "app",
    "at",
    "biz",
    "br",
    "ca",
    "ch",
    "cloud",
    "cn",
    "co",
    "com",
    "corp",
    "de",
    "dev",
    "edu",
    "es",
    "eu",
    "example",
    "fi",
    "fr",
    "gov",
    "home",
    "info",
    "internal",
    "intra",
    "intranet",
    "invalid",
    "io",
    "jp",
    "lan",
    "local",
    "localdomain",
    "mil",
    "net",
    "nl",
    "online",
    "org",
    "private",
    "ru",
    "se",
    "site",
    "svc",
    "tech",
    "uk",
];

/// Tells each place of a row that looks like one. Letters are in lower case.
pub(super) fn each(row: &[char], tell: &mut dyn FnMut(Range<usize>)) {
    let mut at = 0;
    while at < row.len() {
        if is_break(row[at]) {
            at += 1;
            continue;
        }
        let end = row[at..].iter().position(|c| is_break(*c)).map_or(row.len(), |length| at + length);
        word(row, at..end, tell);
        at = end;
    }
}

fn is_break(c: char) -> bool {
    if c.is_ascii_alphanumeric() {
        return false;
    }
    c.is_ascii_whitespace()
        || matches!(
            c,
            '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '|' | '=' | '…'
        )
        || matches!(c, '\u{2500}'..='\u{259f}')
}

fn word(row: &[char], word: Range<usize>, tell: &mut dyn FnMut(Range<usize>)) {
    // Most words have nothing of it.
    let (mut dots, mut colons, mut ats) = (0, 0, 0);
    for c in &row[word.clone()] {
        match c {
            '.' => dots += 1,
            ':' => colons += 1,
            '@' => ats += 1,
            _ => {}
        }
    }
    let is_cut = row.get(word.end) == Some(&'…');
    if colons > 0 {
        in_address(row, &word, tell);
    }
    if ats > 0 {
        mails(row, &word, is_cut, tell);
    }
    if dots > 0 {
        runs(
            row,
            &word,
            |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'),
            |run| {
                let cut = is_cut && run.end == word.end;
                if let Some(found) = name(row, run, cut) {
                    tell(found);
                }
            },
        );
    }
    if colons > 1 {
        runs(
            row,
            &word,
            |c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'),
            |run| {
                let is_part = |at: Option<&char>| at.is_some_and(|c| c.is_alphanumeric() || *c == '_');
                let before = run.start.checked_sub(1).and_then(|at| row.get(at));
                let cut = is_cut && run.end == word.end;
                if !is_part(before) && !is_part(row.get(run.end)) && is_v6(&row[run.clone()], cut) {
                    tell(run);
                }
            },
        );
    }
}

/// The stretches of a word that have only such characters.
fn runs(row: &[char], word: &Range<usize>, is: impl Fn(char) -> bool, mut tell: impl FnMut(Range<usize>)) {
    let mut at = word.start;
    while at < word.end {
        let length = row[at..word.end].iter().take_while(|c| is(**c)).count();
        if length > 0 {
            tell(at..at + length);
        }
        at += length.max(1);
    }
}

/// Hosts behind `://`, with who logs in there.
fn in_address(row: &[char], word: &Range<usize>, tell: &mut dyn FnMut(Range<usize>)) {
    let mut at = word.start;
    while let Some(found) = row[at..word.end].windows(3).position(|part| part == [':', '/', '/']) {
        let start = at + found + 3;
        let length = row[start..word.end].iter().take_while(|c| !matches!(c, '/' | '?' | '#' | '\\')).count();
        let authority = &row[start..start + length];
        let host = authority.iter().rposition(|c| *c == '@').map_or(0, |user| user + 1);
        let port = authority[host..].iter().position(|c| *c == ':').map_or(length, |port| host + port);
        if port > 0 && authority[host..port].iter().copied().ne("localhost".chars()) {
            tell(start..start + port);
        }
        at = start;
    }
}

fn mails(row: &[char], word: &Range<usize>, is_cut: bool, tell: &mut dyn FnMut(Range<usize>)) {
    for at in word.clone().filter(|at| row[*at] == '@') {
        let is_local = |c: &&char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
        let before = row[word.start..at].iter().rev().take_while(is_local).count();
        let is_domain = |c: &&char| c.is_alphanumeric() || matches!(c, '.' | '-');
        let mut end = at + 1 + row[at + 1..word.end].iter().take_while(is_domain).count();
        let cut = is_cut && end == word.end;
        while row[end - 1] == '.' && !cut {
            end -= 1;
        }
        let has_dot = row[at + 1..end].contains(&'.');
        if before > 0 && end > at + 1 && (has_dot || cut) {
            tell(at - before..end);
        }
    }
}

/// The name of a host or an IPv4 address in a run of letters, digits and dots; a full stop behind it is none of it.
fn name(row: &[char], run: Range<usize>, is_cut: bool) -> Option<Range<usize>> {
    let trimmed = |c: &&char| matches!(c, '.' | '-' | '_');
    let start = run.start + row[run.clone()].iter().take_while(trimmed).count();
    let behind = row[run.clone()].iter().rev().take_while(trimmed).count();
    let end = (run.end - behind).max(start);
    let name = &row[start..end];
    let labels = || name.split(|c| *c == '.');
    if name.iter().all(|c| *c == '.' || c.is_ascii_digit()) {
        let is_byte = |label: &[char]| {
            let value = label.iter().fold(0, |sum, c| sum * 10 + c.to_digit(10).unwrap_or_default());
            (1..=3).contains(&label.len()) && value < 256
        };
        // Of one that is cut three parts are enough, the last of which may be missing.
        let count = labels().count();
        let parts = count + usize::from(is_cut && behind > 0);
        let is_one = count == 4 || (is_cut && (3..=4).contains(&parts));
        return (is_one && labels().all(is_byte)).then_some(start..end);
    }
    let ending = labels().next_back()?;
    let is_known = || ENDINGS.iter().any(|known| known.chars().eq(ending.iter().copied()));
    let is_host = ending.len() < name.len() && is_known() && labels().all(|label| !label.is_empty());
    is_host.then_some(start..end)
}

fn is_v6(run: &[char], is_cut: bool) -> bool {
    if run.len() < 3 || run.iter().filter(|c| **c == ':').count() < 2 {
        return false;
    }
    let text: String = run.iter().collect();
    // A time of day has no letters, and no two colons side by side.
    let is_begun = || text.contains("::") || text.contains(|c: char| c.is_ascii_alphabetic());
    text.parse::<Ipv6Addr>().is_ok() || (is_cut && is_begun())
}
