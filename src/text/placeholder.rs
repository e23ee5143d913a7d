//! Places for secrets in configured texts: `{secret:NAME}`. Pure.

use super::visible;

const OPEN: &str = "{secret:";

/// Lists the names of the secrets that a text has places for.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    let found = text.split(OPEN).skip(1).filter_map(|rest| rest.split_once('}'));
    found.map(|(name, _)| name)
}

/// Tells whether a text has a place for a secret.
pub fn has_one(text: &str) -> bool {
    text.contains(OPEN)
}

/// Puts values in their places. A value is never looked into again.
///
/// # Errors
/// A place is not closed, or there is no value: in one line.
pub fn fill(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a {secret:…} in it is not closed".to_owned());
        };
        filled.push_str(before);
        filled.push_str(
            &value(name)
                .ok_or_else(|| format!("the secret {} is not known, or is no text", visible(name)))?,
        );
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_into_their_places_and_are_not_looked_into() {
        let value = |name: &str| match name {
            "A" => Some("{secret:B}".to_owned()),
            "B" => Some("b".to_owned()),
            _ => None,
        };
        assert_eq!(fill("Bearer {secret:A}{secret:B}!", value).unwrap(), "Bearer {secret:B}b!");
        assert_eq!(fill("plain", value).unwrap(), "plain");
        assert_eq!(fill("{secret:C}", value).unwrap_err(), "the secret C is not known, or is no text");
        assert_eq!(fill("{secret:A", value).unwrap_err(), "a {secret:…} in it is not closed");
        assert_eq!(names("x {secret:A} {secret:B").collect::<Vec<_>>(), ["A"]);
    }
}
