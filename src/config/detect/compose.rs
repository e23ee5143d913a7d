//! Where a service answers on this machine, as a compose file says: its published port, and the address
//! that its health check asks.

use std::path::Path;

use serde_json::Value;

use super::{plain, yaml};

/// The files that there may be, the first that is there counts.
const FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Where to ask a service how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The address on this machine: `http://localhost:8080/health`.
    pub url: String,
    /// Whether a health check names it; otherwise only the port is known.
    pub is_checked: bool,
    /// The service in the compose file.
    pub service: String,
    /// The compose file.
    pub from: &'static str,
}

/// Looks for a service with a published port, first of all one with a health check over HTTP.
pub(super) fn look(root: &Path) -> Option<Health> {
    let (from, compose) = FILES.into_iter().find_map(|file| Some((file, yaml(root, file)?)))?;
    let services = compose["services"].as_object()?;
    let mut found: Vec<Health> = services
        .iter()
        .filter(|(name, _)| plain(name))
        .filter_map(|(name, service)| health(name, service, from))
        .collect();
    found.sort_by_key(|health| !health.is_checked);
    found.into_iter().next()
}

fn health(name: &str, service: &Value, from: &'static str) -> Option<Health> {
    let (published, target) = ports(service)?;
    let asked = asked(&service["healthcheck"]["test"]).filter(|(port, _)| *port == target);
    let is_checked = asked.is_some();
    let path = asked.map_or_else(|| "/health".to_owned(), |(_, path)| path);
    let url = format!("http://localhost:{published}{path}");
    Some(Health { url, is_checked, service: name.to_owned(), from })
}

/// The first port that can be reached, and what it is inside: `8080:80`, `127.0.0.1:8080:80`, or in words.
fn ports(service: &Value) -> Option<(u16, u16)> {
    service["ports"].as_array()?.iter().find_map(|port| match port {
        Value::String(port) => {
            let port = port.split('/').next()?;
            let mut parts = port.rsplit(':');
            let target = parts.next()?.parse().ok()?;
            Some((parts.next()?.parse().ok()?, target))
        }
        Value::Object(port) => Some((number(port.get("published")?)?, number(port.get("target")?)?)),
        _ => None,
    })
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => u16::try_from(other.as_u64()?).ok(),
    }
}

/// Port and path of the address that a health check asks from inside.
fn asked(test: &Value) -> Option<(u16, String)> {
    let line = match test {
        Value::String(line) => line.clone(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => return None,
    };
    let (_, rest) = line.split_once("http://")?;
    let address = rest.split(|c: char| c.is_whitespace() || "\"'|;&)".contains(c)).next()?;
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let (host, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_here = ["localhost", "127.0.0.1", "0.0.0.0"].contains(&host);
    let path = format!("/{path}");
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.~".contains(c));
    (is_here && is_plain).then_some((port.parse().ok()?, path))
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    fn found(compose: &str) -> Option<(String, bool)> {
        let dir = repository(&[("docker-compose.yml", compose)]);
        look(dir.path()).map(|health| (health.url, health.is_checked))
    }

    #[test]
    fn a_health_check_and_the_published_port_make_an_address() {
        let service = |ports: &str, test: &str| {
            format!(
                "services:\n  db:\n    image: x\n    ports: [\"5432:5432\"]\n  api:\n    ports:\n      - {ports}\n    healthcheck:\n      test: {test}\n"
            )
        };
        let curl = "[\"CMD\", \"curl\", \"-f\", \"http://localhost:80/ready\"]";
        let at = |url: &str| Some((url.to_owned(), true));
        for ports in [
            "\"8080:80\"",
            "\"127.0.0.1:8080:80/tcp\"",
            "{ target: 80, published: 8080 }",
            "{ target: 80, published: \"8080\" }",
        ] {
            assert_eq!(found(&service(ports, curl)), at("http://localhost:8080/ready"), "{ports}");
        }
        let shell = "wget -qO- http://127.0.0.1:3000/health || exit 1";
        assert_eq!(found(&service("\"3000:3000\"", shell)), at("http://localhost:3000/health"));
        // Of another port it says nothing, and of none but the port is known.
        assert_eq!(found(&service("\"9000:9000\"", curl)).map(|(_, checked)| checked), Some(false));
        let ports = "services: { api: { ports: [\"8080:80\"] } }\n";
        assert_eq!(found(ports), Some(("http://localhost:8080/health".to_owned(), false)));
    }

    #[test]
    fn what_cannot_be_read_or_reached_is_left_alone() {
        let bomb: String = (0..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            text + &format!("a{m}: &a{m} [*a{n}, *a{n}, *a{n}, *a{n}]\n", m = n + 1)
        });
        for compose in [
            "services: [",
            "services:\n  api:\n    ports: [80]\n",
            "services:\n  api:\n    ports: [\"80\"]\n",
            "services:\n  \"a\\e[2J\":\n    ports: [\"8080:80\"]\n",
            "just a text",
            "",
            &bomb,
            &"[".repeat(100_000),
        ] {
            assert_eq!(found(compose), None, "{}", compose.get(..60).unwrap_or(compose));
        }
    }
}
