//! How deep TOML nests: whoever parses, checks or drops it goes a step deeper with each level, and a stack that
//! overflows ends the program. Pure.

/// Most levels, of brackets and of dotted keys together. Far more than anybody writes by hand.
pub const MOST: usize = 64;

/// Where a text of TOML nests deeper than anything is read, in bytes; `None`: nowhere. It knows strings and comments,
/// and takes a dot for a level wherever it may stand in a key.
pub fn too_deep(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    // What a closing bracket goes back to, and how deep a header of a table puts the lines below it.
    let (mut open, mut header) = (Vec::<usize>::new(), 0);
    let (mut depth, mut base) = (0, 0);
    let (mut is_start, mut is_header) = (true, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' => {
                at = find(bytes, at, b"\n");
                continue;
            }
            b'"' | b'\'' => {
                (at, is_start) = (after_string(bytes, at), false);
                continue;
            }
            b'[' | b'{' => {
                if open.is_empty() && is_start && *byte == b'[' {
                    (is_header, depth) = (true, 0);
                }
                open.push(base);
                depth += 1;
                base = depth;
                if depth > MOST {
                    return Some(at);
                }
            }
            b']' | b'}' => {
                if is_header {
                    header = header.max(depth);
                }
                base = open.pop().unwrap_or(0);
                depth = base;
            }
            b'.' => {
                depth += 1;
                if depth > MOST {
                    return Some(at);
                }
            }
            b'\n' if open.is_empty() || is_header => {
                open.clear();
                if is_header {
                    base = header;
                }
                (header, is_header, depth) = (0, false, base);
            }
            b',' | b'\n' => depth = base,
            _ => {}
        }
        is_start = match byte {
            b'\n' => true,
            b' ' | b'\t' | b'\r' => is_start,
            _ => false,
        };
        at += 1;
    }
    None
}

/// Where a sequence begins, at or behind a place, else the end.
fn find(bytes: &[u8], from: usize, what: &[u8]) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(what.len()).position(|part| part == what).map_or(bytes.len(), |at| from + at)
}

/// The place behind a string. One that is not closed ends with its line, or with the text if it may have several.
fn after_string(bytes: &[u8], from: usize) -> usize {
    let quote = bytes.get(from).copied().unwrap_or_default();
    let triple = [quote; 3];
    let several = bytes.get(from..).unwrap_or_default().starts_with(&triple);
    let mut at = from + if several { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !several => return at,
            _ if *byte == quote && !several => return at + 1,
            _ if *byte == quote && bytes.get(at..).unwrap_or_default().starts_with(&triple) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_dotted_keys_are_levels_and_strings_and_comments_are_not() {
        for deep in [
            format!("a = {}", "[".repeat(65)),
            format!("a = {}", "{b=".repeat(65)),
            format!("a = {}", "[\n".repeat(65)),
            format!("a{} = 1", ".a".repeat(65)),
            format!("[a{}]", ".a".repeat(64)),
            format!("[a{}]\na{} = 1", ".a".repeat(32), ".a".repeat(32)),
            format!("a{0} = {{ a{0} = 1 }}", ".a".repeat(32)),
            format!("s = '''\n''''\n\"x]\" = \"\\\"\" # ]\na = {}", "[".repeat(65)),
        ] {
            assert!(too_deep(&deep).is_some(), "{deep}");
        }
        for sound in [
            format!("a = \"{}\" # {}", "[".repeat(99), "{".repeat(99)),
            format!("a = '''\n{}'''\nb = \"\"\"\\\"{}\"\"\"", "[\n".repeat(99), "{".repeat(99)),
            format!("a = [{}]", "1.5, ".repeat(99)),
            format!("a = [\n{}]\n", "  1.5,\n".repeat(99)),
            "[[a.b.c]]\nx.y = { z = [1.5] }\n".repeat(99),
            format!("a = {}{}", "[".repeat(64), "]".repeat(64)),
        ] {
            assert_eq!(too_deep(&sound), None, "{sound}");
        }
        assert_eq!(too_deep(&format!("# x\na = {}", "[".repeat(70))), Some(8 + 64));
    }
}
