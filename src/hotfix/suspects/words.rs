//! Words in text, in paths and in lines of code.

/// Gives every word of a text: letters and digits that belong together, `poolLimit` and
/// `pool_limit` being two. In small letters, the shortest left out.
pub fn each(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::new();
    let mut lower_before = false;
    for c in text.chars().chain(std::iter::once(' ')) {
        let part = c.is_alphanumeric();
        if !part || (c.is_uppercase() && lower_before) {
            if word.chars().count() >= 3 && !word.chars().all(char::is_numeric) {
                take(&word);
            }
            word.clear();
        }
        if part && word.len() < 64 {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase();
    }
}

/// A word without what only says that there are several.
pub fn stem(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(one) if one.len() >= 3 && !one.ends_with(['s', 'u', 'i']) => one,
        _ => word,
    }
}

/// The stems of a text, each once, in order of appearance.
pub(super) fn stems(text: &str) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    each(text, |word| {
        let stem = stem(word);
        if !stems.iter().any(|known| known == stem) {
            stems.push(stem.to_owned());
        }
    });
    stems
}

/// What looks like the path of a file in a text: `src/pool.rs:41` names `src/pool.rs`.
pub(super) fn files(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    text.split(|c: char| !is_part(c))
        .map(|piece| piece.trim_matches(['.', '/', '-']))
        .filter(|piece| {
            piece.rsplit_once('.').is_some_and(|(stem, ending)| {
                !stem.is_empty()
                    && (1..=5).contains(&ending.len())
                    && ending.starts_with(char::is_alphabetic)
                    && !ending.contains('/')
            })
        })
        .map(str::to_owned)
        .collect()
}

/// The first word of a subject, in small letters: `fix` of `fix(pool): raise the limit`.
pub(super) fn first(subject: &str) -> String {
    let word: String = subject
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_names_of_every_style() {
        let stems = stems("poolLimits src/db_pool.rs HTTPServer 500 a max-connections Größe");
        assert_eq!(stems, ["pool", "limit", "src", "httpserver", "max", "connection", "größe"]);
        assert_eq!(
            [stem("status"), stem("class"), stem("pools"), stem("is")],
            ["status", "class", "pool", "is"]
        );
    }

    #[test]
    fn files_are_found_in_a_sentence() {
        assert_eq!(
            files("panicked at src/pool.rs:41, see ./ops/nginx.conf. Done 3.5 e.g. x"),
            ["src/pool.rs", "ops/nginx.conf", "e.g"]
        );
        assert_eq!(first("Fix(pool): raise"), "fix");
        assert_eq!(first("fixup! raise"), "fixup");
        assert_eq!(first(""), "");
    }
}
