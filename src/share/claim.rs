//! The lease of a target as everybody sees it: what it says, signed by whoever holds it, and the name of the reference
//! that it lies at. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{Key, is_signed};
use crate::incident::{Hash, IncidentId, Process};

/// Where claims are at the remote.
pub(super) const CLAIMS: &str = "refs/flightdeck/v1/leases/";
/// The form that is written.
const VERSION: u32 = 1;
/// Most bytes of a claim.
pub(super) const MOST: usize = 8 << 10;
/// Longest name of a target that is written out.
const LONGEST: usize = 120;

/// That a plan holds a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The form it is written in.
    pub v: u32,
    /// The target: an environment.
    pub target: String,
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: String,
    /// Who started it.
    pub person: String,
    /// The installation, as 16 hexadecimal digits.
    pub node: String,
    /// The public half of its key.
    pub key: String,
    /// The process that stands for it.
    pub process: Option<Process>,
    /// When it was taken, by the clock there.
    pub taken: Timestamp,
    /// How often it was renewed since.
    pub renewed: u64,
}

impl Claim {
    /// Makes one.
    pub fn new(target: &str, incident: IncidentId, plan: &str, person: &str, node: u64, key: &Key) -> Self {
        Self {
            v: VERSION,
            target: target.to_owned(),
            incident,
            plan: plan.to_owned(),
            person: person.to_owned(),
            node: super::node_name(node),
            key: key.public(),
            process: None,
            taken: Timestamp::default(),
            renewed: 0,
        }
    }

    /// The bytes of it: a line of JSON, and its signature as another.
    pub fn seal(&self, key: &Key) -> Vec<u8> {
        // Of strings and numbers: it cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        let signature = key.sign(json.as_bytes());
        format!("{json}\n{signature}\n").into_bytes()
    }

    /// Reads one of a target; `key_of` is the key that an installation is known by, if it is.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn read(bytes: &[u8], target: &str, key_of: &dyn Fn(u64) -> Option<String>) -> Result<Self, String> {
        let foreign = || "it is none of ours".to_owned();
        let text = std::str::from_utf8(bytes).map_err(|_| foreign())?;
        let (json, signature) =
            text.strip_suffix('\n').and_then(|text| text.split_once('\n')).ok_or_else(foreign)?;
        let claim: Self = serde_json::from_str(json).map_err(|_| foreign())?;
        if claim.v != VERSION {
            return Err(format!("it is written in form {}: update flightdeck", claim.v));
        }
        if claim.target != target {
            return Err("it is of another target".to_owned());
        }
        if !is_signed(&claim.key, json.as_bytes(), signature) {
            return Err("its signature is wrong".to_owned());
        }
        let node = super::batch::parse_node(&claim.node).ok_or_else(foreign)?;
        if key_of(node).is_some_and(|known| known != claim.key) {
            return Err("it was signed with another key than that installation has".to_owned());
        }
        Ok(claim)
    }
}

/// The reference that the claim of a target lies at. `repository` tells repositories apart that share over one remote;
/// empty: it is the remote of the code itself.
///
/// Of a name `a` to `z`, digits, `-` and `_` stand for themselves, every other byte as `%` and two hexadecimal digits:
/// so no name is another one in another spelling, also where files are not told apart by case.
pub fn reference(target: &str, repository: &str) -> String {
    let mut name = String::from(CLAIMS);
    if target.len() > LONGEST {
        let _ = write!(name, "%{}", Hash::of(target.as_bytes()));
    } else {
        for byte in target.bytes() {
            let _ = match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => write!(name, "{}", char::from(byte)),
                byte => write!(name, "%{byte:02x}"),
            };
        }
    }
    if !repository.is_empty() {
        let hash = Hash::of(repository.as_bytes()).to_string();
        let _ = write!(name, ".{}", hash.get(..12).unwrap_or_default());
    }
    name
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_is_one_reference_that_git_takes() {
        assert_eq!(reference("production", ""), "refs/flightdeck/v1/leases/production");
        assert_eq!(reference("EU/prod 2.lock", ""), "refs/flightdeck/v1/leases/%45%55%2fprod%202%2elock");
        let other = reference("production", "git.test/shop/app");
        assert!(other.starts_with("refs/flightdeck/v1/leases/production."), "{other}");
        assert_ne!(other, reference("production", "git.test/shop/api"));
        let long = reference(&"ü".repeat(200), "");
        for name in [&reference("..", ""), &reference("@{x}~^:?*[\\", ""), &reference("", ""), &long] {
            assert!(git2::Reference::is_valid_name(&format!("{name}x")), "{name}");
            assert!(name.len() < 200, "{name}");
        }
    }

    #[test]
    fn what_is_forged_or_garbage_is_no_claim() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [key, other] = [&dirs[0], &dirs[1]].map(|dir| Key::open(dir.path()).unwrap());
        let incident = IncidentId(Uuid::from_u128(7));
        let claim = Claim::new("production", incident, "deploy-production-1", "maya", 5, &key);
        let known = |node| (node == 5).then(|| key.public());
        let read = |bytes: &[u8]| Claim::read(bytes, "production", &known);
        assert_eq!(read(&claim.seal(&key)), Ok(claim.clone()));
        let why = |bytes: &[u8]| read(bytes).unwrap_err();
        assert!(why(&claim.seal(&other)).contains("signature is wrong"));
        // In the name of an installation whose key is known, with a key of one's own.
        let forged = Claim { key: other.public(), ..claim.clone() };
        assert!(why(&forged.seal(&other)).contains("another key"));
        let staging = Claim { target: "staging".to_owned(), ..claim };
        assert!(why(&staging.seal(&key)).contains("another target"));
        for garbage in [&b""[..], b"\n", b"{}\n\n", b"\xff\n\xfe\n", b"no json\nno signature\n"] {
            why(garbage);
        }
    }
}
