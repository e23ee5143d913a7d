//! Which files hold the version of a service, by their names, and what a regular expression that
//! finds it in others has to be.

use regex::RegexBuilder;

/// A regular expression may not take more memory than this once it is compiled, in bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// A kind of file, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionKind {
    /// `VERSION`: a version and nothing else.
    Plain,
    /// `Cargo.toml`.
    Cargo,
    /// `Cargo.lock`.
    CargoLock,
    /// `package.json`.
    Npm,
    /// `package-lock.json`, `npm-shrinkwrap.json`.
    NpmLock,
    /// `pyproject.toml`.
    Python,
    /// `uv.lock`.
    UvLock,
}

impl VersionKind {
    /// The kind of a file; `None`: its name says nothing.
    pub fn of(path: &str) -> Option<Self> {
        Some(match path.rsplit('/').next().unwrap_or(path) {
            "VERSION" => Self::Plain,
            "Cargo.toml" => Self::Cargo,
            "Cargo.lock" => Self::CargoLock,
            "package.json" => Self::Npm,
            "package-lock.json" | "npm-shrinkwrap.json" => Self::NpmLock,
            "pyproject.toml" => Self::Python,
            "uv.lock" => Self::UvLock,
            _ => return None,
        })
    }

    /// Tells whether a tool writes it, after another file.
    pub fn is_lock(self) -> bool {
        matches!(self, Self::CargoLock | Self::NpmLock | Self::UvLock)
    }

    /// Tells whether the tools that read it take versions of three numbers only.
    pub fn is_strict(self) -> bool {
        matches!(self, Self::Cargo | Self::CargoLock | Self::Npm | Self::NpmLock)
    }
}

/// A regular expression as it is used here: `^` and `$` stand for the ends of lines.
///
/// # Errors
/// One line that says what is wrong with it.
pub fn version_pattern(pattern: &str) -> Result<regex::Regex, String> {
    let expression = RegexBuilder::new(pattern)
        .multi_line(true)
        .crlf(true)
        .size_limit(MAX_PATTERN_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The first lines only draw the expression and point into it.
            error => {
                error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })?;
    match expression.captures_len() {
        2 => Ok(expression),
        1 => Err("it has no group: put ( ) around the version".to_owned()),
        several => Err(format!("it has {} groups: use (?: ) for all but that of the version", several - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::version_pattern;

    #[test]
    fn a_pattern_needs_one_group() {
        assert!(version_pattern("v = (.*)").is_ok() && version_pattern("(?:a|b)(\\d+)").is_ok());
        assert!(version_pattern("v = .*").unwrap_err().contains("no group"));
        assert!(version_pattern("(a)(b)").unwrap_err().contains("2 groups"));
        assert!(version_pattern("(a").unwrap_err().contains("unclosed group"));
        assert!(version_pattern("(a{1000}{1000})").unwrap_err().contains("too large"));
    }
}
