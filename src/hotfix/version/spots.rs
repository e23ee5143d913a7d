//! The places in one file at which its version stands. Files are parsed as what they are, so that a
//! version in a comment or another text is none; then the place is taken, and nothing is written
//! again from what was parsed.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::DeTable;

use super::{Kind, Place, Spot, version_pattern};
use crate::text::nesting;

/// Longer than this is no version.
const MAX_VERSION_BYTES: usize = 128;
/// More matches than this are not those of a version.
const MAX_MATCHES: usize = 1000;

/// Looks for the version in a file; empty: it holds none there.
///
/// # Errors
/// One line: the file is not what its name says, or the version stands in it in a way that cannot
/// be changed for certain.
pub fn spots(path: &str, place: &Place, text: &str) -> Result<Vec<Spot>, String> {
    match (place, Kind::of(path)) {
        (Place::Pattern(pattern), _) => matches(pattern, text),
        (Place::Own, Some(Kind::Plain)) => Ok(plain(text).into_iter().collect()),
        (Place::Own, Some(Kind::Cargo)) => cargo(text),
        (Place::Own, Some(Kind::Python)) => python(text),
        (Place::Own, Some(Kind::Npm)) => npm(text),
        (Place::Entry(name), Some(Kind::CargoLock)) => cargo_lock(text, name),
        (Place::Entry(folder), Some(Kind::NpmLock)) => npm_lock(text, folder),
        (Place::Entry(folder), Some(Kind::UvLock)) => uv_lock(text, folder),
        (Place::Own | Place::Entry(_), _) => {
            Err("it is not of a kind that is recognised by its name".to_owned())
        }
    }
}

fn matches(pattern: &str, text: &str) -> Result<Vec<Spot>, String> {
    let expression = version_pattern(pattern).map_err(|why| format!("{pattern} cannot be used: {why}"))?;
    let mut found = Vec::new();
    for captures in expression.captures_iter(text) {
        let Some(group) = captures.get(1) else { continue };
        if group.is_empty() || found.len() == MAX_MATCHES {
            return Err(format!("{pattern} matches what is no version"));
        }
        found.push(Spot { span: group.range(), version: checked(group.as_str())? });
    }
    Ok(found)
}

/// A version as it may be shown and compared: one short word.
fn checked(version: &str) -> Result<String, String> {
    let is_word = !version.is_empty() && version.len() <= MAX_VERSION_BYTES;
    if !is_word || version.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("no valid version stands where it should".to_owned());
    }
    Ok(version.to_owned())
}

/// A single short word; a file of that name can hold anything.
fn plain(text: &str) -> Option<Spot> {
    let word = text.trim_start_matches('\u{feff}').trim();
    let fits = !word.is_empty() && word.len() <= MAX_VERSION_BYTES && !word.contains(char::is_whitespace);
    let start = text.find(word)?;
    fits.then(|| Spot { span: start..start + word.len(), version: word.to_owned() })
}

fn toml(text: &str) -> Result<Spanned<DeTable<'_>>, String> {
    if let Some(at) = nesting::too_deep(text) {
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        return Err(format!("line {line}: it nests deeper than {} levels", nesting::MOST));
    }
    DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        format!("it is not right as TOML: {at}{}", error.message().lines().next().unwrap_or_default())
    })
}

fn table<'t>(parent: &'t DeTable<'_>, path: &[&str]) -> Option<&'t DeTable<'t>> {
    let Some((first, rest)) = path.split_first() else { return Some(parent) };
    table(parent.get(*first)?.get_ref().as_table()?, rest)
}

/// The text at a key of a table, where it is one.
fn text_at<'t>(parent: &'t DeTable<'_>, key: &str) -> Option<(&'t str, Range<usize>)> {
    let value = parent.get(key)?;
    Some((value.get_ref().as_str()?, value.span()))
}

/// The version at a key of a table.
fn version_in(parent: &DeTable<'_>, text: &str) -> Result<Option<Spot>, String> {
    text_at(parent, "version").map(|(version, span)| inside(text, span, version)).transpose()
}

/// The place of a text without its quotation marks: where it is written plainly between them.
fn inside(text: &str, span: Range<usize>, value: &str) -> Result<Spot, String> {
    let written = text.get(span.clone()).unwrap_or_default();
    let quoted = ['"', '\''].into_iter().find_map(|mark| written.strip_prefix(mark)?.strip_suffix(mark));
    if quoted != Some(value) {
        return Err("its version is written in a way that cannot be changed for certain".to_owned());
    }
    Ok(Spot { span: span.start + 1..span.end - 1, version: checked(value)? })
}

fn cargo(text: &str) -> Result<Vec<Spot>, String> {
    in_tables(text, &[&["package"], &["workspace", "package"]])
}

fn python(text: &str) -> Result<Vec<Spot>, String> {
    in_tables(text, &[&["project"], &["tool", "poetry"]])
}

fn in_tables(text: &str, tables: &[&[&str]]) -> Result<Vec<Spot>, String> {
    let manifest = toml(text)?;
    let there = tables.iter().filter_map(|path| table(manifest.get_ref(), path));
    let found: Result<Vec<_>, String> = there.map(|table| version_in(table, text)).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// Packages of a lock file in TOML.
fn packages<'t>(lock: &'t DeTable<'_>) -> impl Iterator<Item = &'t DeTable<'t>> {
    let list = lock.get("package").and_then(|list| list.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter()).filter_map(|package| package.get_ref().as_table())
}

/// The entry of a package of this repository, which has no source; and where other entries name it
/// with its version, because there are several of that name.
fn cargo_lock(text: &str, name: &str) -> Result<Vec<Spot>, String> {
    let lock = toml(text)?;
    let mut found = Vec::new();
    for package in packages(lock.get_ref()) {
        let is_it = text_at(package, "name").is_some_and(|(found, _)| found == name);
        if is_it && !package.contains_key("source") {
            found.extend(version_in(package, text)?);
        }
    }
    let versions: Vec<String> = found.iter().map(|spot| format!("{name} {}", spot.version)).collect();
    for package in packages(lock.get_ref()) {
        let Some(list) = package.get("dependencies").and_then(|list| list.get_ref().as_array()) else {
            continue;
        };
        for dependency in list {
            let Some(words) = dependency.get_ref().as_str() else { continue };
            if versions.iter().any(|version| version == words) {
                let Spot { span, version } = in_words(text, dependency.span(), words)?;
                let start = span.start + name.len() + 1;
                let version = version.get(name.len() + 1..).unwrap_or_default().to_owned();
                found.push(Spot { span: start..span.end, version });
            }
        }
    }
    Ok(found)
}

/// The place of a dependency: a name, a space, a version.
fn in_words(text: &str, span: Range<usize>, words: &str) -> Result<Spot, String> {
    let written = text.get(span.clone()).unwrap_or_default();
    if written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) != Some(words) {
        return Err("its version is written in a way that cannot be changed for certain".to_owned());
    }
    Ok(Spot { span: span.start + 1..span.end - 1, version: words.to_owned() })
}

/// The entry of a package that lies in a folder of this repository.
fn uv_lock(text: &str, folder: &str) -> Result<Vec<Spot>, String> {
    let folder = if folder.is_empty() { "." } else { folder };
    let lock = toml(text)?;
    let mut found = Vec::new();
    for package in packages(lock.get_ref()) {
        let Some(source) = table(package, &["source"]) else { continue };
        let lies = ["editable", "virtual", "directory"].into_iter().find_map(|key| text_at(source, key));
        if lies.is_some_and(|(lies, _)| lies == folder) {
            found.extend(version_in(package, text)?);
        }
    }
    Ok(found)
}

/// An object of JSON: its keys, in order and however often each is there, and their values as they
/// are written.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    all.push(entry);
                }
                Ok(Object(all))
            }
        }
        from.deserialize_map(Keys)
    }
}

impl<'a> Object<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("it is not right as JSON: {error}"))
    }

    /// The value of a key that is there once.
    fn get(&self, key: &str) -> Result<Option<&'a str>, String> {
        let mut all = self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.get());
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(format!("`{key}` is there twice")),
            (value, None) => Ok(value),
        }
    }

    /// The version in it, which is a text.
    fn version(&self, whole: &str) -> Result<Option<Spot>, String> {
        let Some(written) = self.get("version")? else { return Ok(None) };
        let Ok(version) = serde_json::from_str::<String>(written) else { return Ok(None) };
        // Part of the same text, so that the difference is its place.
        let start = (written.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        inside(whole, start..start + written.len(), &version).map(Some)
    }
}

fn npm(text: &str) -> Result<Vec<Spot>, String> {
    let package = Object::read(text.trim_start_matches('\u{feff}'))?;
    Ok(package.version(text)?.into_iter().collect())
}

/// The entry of the package in a folder; for the file's own one the version at its top as well.
fn npm_lock(text: &str, folder: &str) -> Result<Vec<Spot>, String> {
    let lock = Object::read(text.trim_start_matches('\u{feff}'))?;
    let mut found = Vec::new();
    if folder.is_empty() {
        found.extend(lock.version(text)?);
    }
    let packages = lock.get("packages")?.map(Object::read).transpose()?;
    let package = packages.map(|packages| packages.get(folder)).transpose()?.flatten();
    if let Some(package) = package {
        found.extend(Object::read(package)?.version(text)?);
    }
    Ok(found)
}
