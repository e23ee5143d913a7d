//! Where deploys are reported.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Deploys to the environment are reported to the code host, as deployments that it shows. A report that fails holds
/// nothing up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeploymentReport {
    /// Name of the environment there. Empty: the same as here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// Where people use what was deployed: `https://shop.example.com`. At GitHub it is linked.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Name of the secret with the token. Empty: the one that pull requests are made with.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Base address of the API. Empty: that of pull requests.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api: String,
    /// The repository that it is reported in: `shop/deploys`. Empty: this one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository: String,
}
