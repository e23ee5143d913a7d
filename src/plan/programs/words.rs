//! The words of a command that may name a file. No grammar of any shell: what is given to one is cut
//! up at everything that could stand between two words, in each way it could be meant. A word too many
//! names nothing, or a file whose change is noticed without need; a word too few is a hole.

/// Stands for what is not known before the command runs: the value of a variable.
const ANY: char = '\0';
/// What stands between two words in a text for a shell, beside blanks.
const BETWEEN: [char; 8] = [';', '|', '&', '(', ')', '<', '>', '`'];
/// What may stand between two names in one word: `--file=x`, `user@host:x`, `{a,b}`.
const WITHIN: [char; 12] = ['=', ':', ',', '@', '{', '}', '[', ']', '+', '%', '#', '!'];
const QUOTES: [char; 2] = ['\'', '"'];
/// How deep variables within variables are looked into.
const DEPTH: usize = 3;
/// Most options in one word before what the last of them is given.
const BUNDLE: usize = 5;
/// Most words of a command that are looked at.
pub(super) const MOST: usize = 2000;

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// As the program gets it, without quotes.
    pub plain: String,
    /// The paths it may stand for, seen from wherever it is.
    pub patterns: Vec<String>,
    /// It is part of a text for a shell.
    pub text: bool,
    /// Output goes there.
    pub written: bool,
    /// A command may begin with it.
    pub begins: bool,
}

impl Word {
    fn new(raw: &str, text: bool, after_unknown: bool) -> Self {
        Self {
            plain: raw.chars().filter(|c| !QUOTES.contains(c)).collect(),
            patterns: patterns(raw, after_unknown),
            text,
            written: false,
            begins: false,
        }
    }

    /// It is an option, not what a program works on.
    pub(super) fn is_option(&self) -> bool {
        self.plain.starts_with('-')
    }
}

/// The words of a command, program first, and whether that is all of them.
pub(super) fn of(argv: &[String]) -> (Vec<Word>, bool) {
    let mut words = Vec::new();
    // After `sh -c` all is text, also behind `env`, `sudo` and the like, and after `-ceu` or `-lc`.
    let (mut shell, mut given) = (false, false);
    for argument in argv {
        let is_text = |c: char| c.is_whitespace() || BETWEEN.contains(&c) || "$\\'\"*?".contains(c);
        if given || argument.contains(is_text) {
            cut(&mut words, argument, 0);
        } else {
            words.push(Word::new(argument, false, false));
        }
        let bundle =
            argument.starts_with(['-', '+']) && !argument.starts_with("--") && argument.contains('c');
        given |= shell && (bundle || argument == "-C" || argument.contains("-command"));
        shell |= super::is_shell(argument);
    }
    let (mut to_tee, mut in_parts) = (false, false);
    for word in &mut words {
        to_tee = (to_tee && !word.begins) || super::base(&word.plain) == "tee";
        word.written |= to_tee;
        if in_parts {
            let all: Vec<String> = word.patterns.iter().map(|directory| format!("{directory}/*")).collect();
            word.patterns.extend(all);
        }
        in_parts = (in_parts && !word.begins) || super::base(&word.plain) == "run-parts";
    }
    let all = words.len() <= MOST;
    words.truncate(MOST);
    (words, all)
}

/// Cuts a text for a shell into words.
fn cut(words: &mut Vec<Word>, text: &str, depth: usize) {
    // A name with a blank in it stands in quotes, or is the whole argument.
    if !is_open(text) {
        words.push(Word { patterns: vec![text.to_owned()], ..Word::new("", true, false) });
    }
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut word) = (0, String::new());
    let (mut begins, mut written, mut after_unknown) = (true, false, false);
    let mut inner: Vec<String> = Vec::new();
    while let Some(&c) = chars.get(at) {
        if words.len() > MOST {
            return;
        }
        let next = chars.get(at + 1).copied();
        at += 1;
        match c {
            // The line goes on.
            '\\' if next == Some('\n') => at += 1,
            '\\' if next.is_some_and(|c| c == ' ' || c == '\t') => {
                word.extend(next);
                at += 1;
            }
            // What follows is as good as without it: `\"` ends a word in a text within a text.
            '\\' => {}
            '$' if let Some((meant, end)) = escaped(&chars, at) => {
                at = end;
                if meant.contains(char::is_whitespace) {
                    words.push(Word { patterns: vec![meant.clone()], ..Word::new("", true, false) });
                    inner.push(meant.clone());
                }
                word.push_str(&meant);
            }
            '$' => at = variable(&chars, at, &mut word, &mut inner),
            // `@(deploy|test).sh`: any of them, and each may be a word of its own.
            '(' if at > 1 && chars.get(at - 2).is_some_and(|c| "@?*+!".contains(*c)) && !word.is_empty() => {
                let rest = chars.get(at..).unwrap_or_default();
                let length = closed(rest);
                inner.push(rest.iter().take(length).collect());
                word.pop();
                word.push('*');
                at += length + 1;
            }
            _ if c.is_whitespace() || BETWEEN.contains(&c) => {
                if !word.is_empty() {
                    let begun = Word { written, begins, ..Word::new(&word, true, after_unknown) };
                    words.push(begun);
                    word.clear();
                    (begins, written) = (false, false);
                }
                after_unknown = c == ')' || c == '`';
                begins |= c == '\n' || (BETWEEN.contains(&c) && c != '<' && c != '>');
                written = c == '>' || (written && (c.is_whitespace() || c == '|' || c == '&'));
            }
            _ => {
                if QUOTES.contains(&c)
                    && let Some(length) = chars.iter().skip(at).position(|other| *other == c)
                {
                    let quoted: String = chars.iter().skip(at).take(length).collect();
                    if quoted.contains(char::is_whitespace) && !quoted.contains('\n') {
                        words.push(Word { patterns: vec![quoted], ..Word::new("", true, false) });
                    }
                }
                word.push(c);
            }
        }
    }
    if !word.is_empty() {
        words.push(Word { written, begins, ..Word::new(&word, true, after_unknown) });
    }
    // `${DEPLOY:-./deploy.sh}`
    for text in inner.iter().filter(|_| depth < DEPTH) {
        cut(words, text, depth + 1);
    }
}

/// Where the bracket is closed that was opened before a text.
fn closed(text: &[char]) -> usize {
    let mut open = 1;
    let is_end = |c: &char| {
        open += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        open == 0
    };
    text.iter().position(is_end).unwrap_or(text.len())
}

/// What `$'…'` with escapes in it stands for, and where it ends.
fn escaped(chars: &[char], at: usize) -> Option<(String, usize)> {
    let text = chars.get(at..)?.strip_prefix(&['\''])?;
    let (mut meant, mut next, mut any) = (String::new(), 0, false);
    loop {
        let c = *text.get(next)?;
        next += 1;
        match c {
            '\'' => break,
            '\\' => {}
            c => {
                meant.push(c);
                continue;
            }
        }
        any = true;
        let c = *text.get(next)?;
        next += 1;
        let (radix, most) = match c {
            'x' => (16, 2),
            'u' => (16, 4),
            'U' => (16, 8),
            '0'..='7' => {
                next -= 1;
                (8, 3)
            }
            'n' | 'r' | 't' | 'v' | 'f' => {
                meant.push(' ');
                continue;
            }
            c => {
                meant.push(c);
                continue;
            }
        };
        let figures: String = text.iter().skip(next).take(most).take_while(|c| c.is_digit(radix)).collect();
        next += figures.len();
        let known = u32::from_str_radix(&figures, radix).ok().and_then(char::from_u32);
        meant.extend(known.filter(|c| *c != ANY));
    }
    any.then_some((meant, at + 1 + next))
}

/// Puts what is not known in place of a variable, and tells where it ends.
fn variable(chars: &[char], at: usize, word: &mut String, inner: &mut Vec<String>) -> usize {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    match chars.get(at) {
        Some('{') => {
            let rest = chars.get(at + 1..).unwrap_or_default();
            let length = rest.iter().position(|c| *c == '}').unwrap_or(rest.len());
            let within: String = rest.iter().take(length).collect();
            if !within.chars().all(|c| is_name(&c)) {
                inner.push(within.replace([':', '-', '+', '?', '#', '%'], " "));
                inner.push(within.replace([':', '+', '?', '#', '%'], " "));
            }
            word.push(ANY);
            at + length + 2
        }
        Some(c) if is_name(c) => {
            word.push(ANY);
            let length = chars.iter().skip(at).take_while(|c| is_name(c)).count();
            // `$1` is one figure and no more.
            at + if c.is_ascii_digit() { 1 } else { length }
        }
        Some('@' | '*' | '#' | '?' | '$' | '!' | '-') => {
            word.push(ANY);
            at + 1
        }
        // `$(…)` and `$'…'`: only what is within.
        Some('(' | '\'' | '"') => at,
        _ => {
            word.push('$');
            at
        }
    }
}

/// The paths that a word may stand for: as a whole, and each of its parts.
fn patterns(raw: &str, after_unknown: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let whole: String = raw.chars().filter(|c| !QUOTES.contains(c)).collect();
    add(&mut found, &whole, after_unknown);
    for within in [&WITHIN[..1], &WITHIN[..]] {
        let mut unknown = after_unknown;
        let is_between = |c: char| QUOTES.contains(&c) || within.contains(&c);
        for part in raw.split_inclusive(is_between) {
            add(&mut found, part.trim_end_matches(is_between), unknown);
            // `"$HOME"/x` and `{a,b}/x`, but `--file=/x`.
            unknown = part.ends_with(['\'', '"', '}', ']']);
        }
    }
    found
}

fn add(found: &mut Vec<String>, text: &str, after_unknown: bool) {
    let mut push = |text: &str| {
        let known = text.trim_matches([ANY, '-']).is_empty() || ["/", ".", "./"].contains(&text);
        if !known && found.iter().all(|other| other != text) {
            found.push(text.to_owned());
        }
    };
    push(text);
    // `-Cops`, `-sCops`, `-f./deploy.mk`.
    if let Some(joined) = text.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
        let mut rest = joined.chars();
        for _ in 0..BUNDLE {
            push(rest.as_str());
            rest.next();
        }
    }
    // Where its beginning is not known any part of it may be a path in here.
    let first = text.split('/').next().unwrap_or_default();
    let is_open = first.contains(ANY) || ["~", ".."].contains(&first) || (after_unknown && first.is_empty());
    if is_open {
        let mut rest = text;
        while let Some((_, below)) = rest.split_once('/') {
            push(below);
            rest = below;
        }
    }
}

/// It stands for more than the one name it is.
pub(super) fn is_open(pattern: &str) -> bool {
    pattern.contains(|c: char| c == ANY || "*?[{".contains(c))
}

fn is_wild(c: char) -> bool {
    c == ANY || "*?[]{}".contains(c)
}

/// Tells whether a name may be what an open one stands for: it begins and ends like that.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (Some(first), Some(last)) = (pattern.find(is_wild), pattern.rfind(is_wild)) else {
        return pattern == name;
    };
    let begin = pattern.get(..first).unwrap_or_default();
    let end = pattern.get(last..).map_or("", |rest| rest.trim_start_matches(is_wild));
    if begin.is_empty() && end.is_empty() && !pattern.contains(['*', '?', ANY]) {
        // `{ops,dev}`, and not all there is for whatever stands in brackets.
        return pattern.contains(name);
    }
    name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
}

/// Nothing of a path is known, not even the directory.
pub(super) fn is_unknown(pattern: &str) -> bool {
    pattern.split('/').all(|name| ["", ".", ".."].contains(&name) || name.chars().all(is_wild))
}

/// A name that an open one might stand for.
pub(super) fn example(pattern: &str) -> String {
    pattern.chars().map(|c| if is_wild(c) { 'x' } else { c }).collect()
}

/// An open name as it is kept: with `*` for what is not known.
pub(super) fn kept(pattern: &str) -> String {
    pattern.replace(ANY, "*")
}
