//! `flightdeck drill-service`: a service of a drill; started by the drill itself.

use std::path::PathBuf;

use super::End;
use super::context::Context;
use crate::drill::service;
use crate::failure::Result;

/// Serves one environment of a drill until standard input is closed
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory with the releases and the link `current`
    #[arg(long, value_name = "DIR")]
    root: PathBuf,

    /// Which environment it is
    #[arg(long, value_name = "ENV")]
    env: String,

    /// Port on the loopback; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,

    /// How many of a hundred cards are numbers of an older shop
    #[arg(long, value_name = "N", default_value_t = 0)]
    old_cards: u8,

    /// Where its payment provider is, if it depends on one
    #[arg(long, value_name = "URL")]
    provider: Option<String>,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, _cx: &Context) -> Result<End> {
    service::serve(args.root.clone(), args.env.clone(), args.port, args.old_cards, args.provider.clone())?;
    Ok(End::Done)
}
