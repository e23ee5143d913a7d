//! What the configuration of a repository tells that nobody should see: passwords and tokens
//! in the addresses of its remotes.

use git2::Repository;

/// Every credential found, with the name of what it belongs to.
pub(super) fn of(repo: &Repository) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = repo.config().and_then(|mut config| config.snapshot()) else { return found };
    let Ok(mut entries) = entries.entries(None) else { return found };
    while let Some(Ok(entry)) = entries.next() {
        let name = entry.name_bytes();
        let Some((section, key)) = ends(name) else { continue };
        match (section, key) {
            (b"remote", b"url" | b"pushurl") => user_info(middle(name), entry.value_bytes(), &mut found),
            // The address that replaces others is the name in the middle.
            (b"url", b"insteadof" | b"pushinsteadof") => user_info(b"url", middle(name), &mut found),
            (b"http", b"extraheader") => {
                let token = entry.value_bytes().rsplit(u8::is_ascii_whitespace).next();
                found.extend(token.map(|token| ("http.extraheader".to_owned(), token.to_vec())));
            }
            _ => {}
        }
    }
    found
}

/// First and last part of a name: `remote` and `url` of `remote.origin.url`.
fn ends(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = name.iter().position(|&byte| byte == b'.')?;
    let last = name.iter().rposition(|&byte| byte == b'.')?;
    Some((name.get(..first)?, name.get(last + 1..)?))
}

/// What is between first and last part of a name.
fn middle(name: &[u8]) -> &[u8] {
    let first = name.iter().position(|&byte| byte == b'.').map_or(0, |at| at + 1);
    let last = name.iter().rposition(|&byte| byte == b'.').unwrap_or(0);
    name.get(first..last).unwrap_or_default()
}

/// The user and password in an address: both together and the password alone, as they are
/// written and as they are meant. A name without a password counts where it can be a token.
fn user_info(whose: &[u8], url: &[u8], found: &mut Vec<(String, Vec<u8>)>) {
    let separator = b"://";
    let Some(at) = url.windows(separator.len()).position(|bytes| bytes == separator) else { return };
    let (scheme, rest) = (url.get(..at).unwrap_or_default(), url.get(at + 3..).unwrap_or_default());
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let Some(length) = authority.iter().rposition(|&byte| byte == b'@') else { return };
    let user = authority.get(..length).unwrap_or_default();
    let password = user.iter().position(|&byte| byte == b':').and_then(|at| user.get(at + 1..));
    let token = password.is_none() && scheme.get(..4).is_some_and(|it| it.eq_ignore_ascii_case(b"http"));
    let name = String::from_utf8_lossy(whose).into_owned();
    let secrets = password.map(|password| [user, password].to_vec());
    for secret in secrets.or_else(|| token.then(|| vec![user])).unwrap_or_default() {
        found.push((name.clone(), secret.to_vec()));
        let meant = decoded(secret);
        if meant != secret {
            found.push((name.clone(), meant));
        }
    }
}

/// Bytes without percent encoding.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, more @ ..] = rest {
        rest = more;
        match (first, more) {
            (b'%', [high, low, after @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                out.push(digit(*high).unwrap_or_default() << 4 | digit(*low).unwrap_or_default());
                rest = after;
            }
            _ => out.push(*first),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> Vec<String> {
        let mut found = Vec::new();
        user_info(b"origin", url.as_bytes(), &mut found);
        found.into_iter().map(|(_, secret)| String::from_utf8(secret).unwrap()).collect()
    }

    #[test]
    fn a_password_is_told_as_it_is_written_and_as_it_is_meant() {
        assert_eq!(told("https://me:p%40ss@h/x"), ["me:p%40ss", "me:p@ss", "p%40ss", "p@ss"]);
        assert_eq!(told("https://ghp_token@h/x"), ["ghp_token"]);
        assert_eq!(told("ssh://git:pw@h:22/x"), ["git:pw", "pw"]);
        for none in ["ssh://git@h/x", "git@h:x", "/srv/a@b:c", "https://h/a:b@c", "https://h"] {
            assert_eq!(told(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn the_configuration_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::init(dir.path()).unwrap();
        repo.remote("origin", "https://me:hunter22@h/x").unwrap();
        repo.remote_set_pushurl("origin", Some("https://tok.en-1@h/x")).unwrap();
        let mut config = repo.config().unwrap().open_level(git2::ConfigLevel::Local).unwrap();
        config.set_str("http.https://h/.extraheader", "AUTHORIZATION: basic Zm9vOmJhcg==").unwrap();
        config.set_str("url.https://u:tok3n@h/.insteadOf", "https://h/").unwrap();
        let found: Vec<_> = of(&repo).into_iter().map(|(_, it)| String::from_utf8(it).unwrap()).collect();
        for secret in ["me:hunter22", "hunter22", "tok.en-1", "Zm9vOmJhcg==", "u:tok3n", "tok3n"] {
            assert!(found.iter().any(|it| it == secret), "{secret} is not among {found:?}");
        }
    }
}
