//! `flightdeck completions`: a script that completes verbs and options.

use super::End;
use super::args::tree;
use super::context::Context;
use crate::failure::Result;

/// Print a script that completes verbs and options in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck completions bash > ~/.local/share/bash-completion/completions/flightdeck
  flightdeck completions fish > ~/.config/fish/completions/flightdeck.fish")]
pub(crate) struct Args {
    /// Which shell
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    // Into memory first: the generator panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree(), "flightdeck", &mut script);
    cx.out.put(&String::from_utf8_lossy(&script))?;
    Ok(End::Done)
}
