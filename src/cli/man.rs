//! `flightdeck man`: the manual page, with every verb.

use std::io;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::End;
use super::args::tree;
use super::context::Context;
use crate::failure::{Failure, Result};

/// Print the manual page; read it with: flightdeck man | man -l -
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, cx: &Context) -> Result<End> {
    let page = page().map_err(|e| Failure::new("writing the manual page", e, ""))?;
    cx.out.put(&String::from_utf8_lossy(&page))?;
    Ok(End::Done)
}

/// The page of the whole tree.
fn page() -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut root = tree();
    root.build();
    let man = Man::new(root.clone());
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    heading(&mut out, "VERBS")?;
    verbs(&mut out, &root)?;
    heading(&mut out, "TIMES, ENVIRONMENT AND EXIT CODES")?;
    let mut roff = Roff::default();
    as_it_is(&mut roff, root.get_after_help());
    roff.to_writer(&mut out)?;
    man.render_version_section(&mut out)?;
    Ok(out)
}

fn heading(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let mut roff = Roff::default();
    roff.control("SH", [text]);
    roff.to_writer(out)
}

/// One subsection a verb, and those below it.
fn verbs(out: &mut Vec<u8>, parent: &clap::Command) -> io::Result<()> {
    for verb in parent.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let mut roff = Roff::default();
        let name = verb.get_bin_name().unwrap_or(verb.get_name());
        roff.control("SS", [name]);
        let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string);
        roff.text([roman(about.unwrap_or_default())]);
        for argument in verb.get_arguments().filter(|argument| !argument.is_global_set()) {
            if argument.get_id() == "help" || argument.is_hide_set() {
                continue;
            }
            roff.control("TP", []);
            roff.text([roman(argument.to_string())]);
            roff.text([roman(argument.get_help().map(ToString::to_string).unwrap_or_default())]);
        }
        if verb.get_after_help().is_some() {
            roff.control("PP", []);
            as_it_is(&mut roff, verb.get_after_help());
        }
        roff.to_writer(out)?;
        verbs(out, verb)?;
    }
    Ok(())
}

/// Adds text whose lines stay as they are; its styles are for terminals and left out.
fn as_it_is(roff: &mut Roff, text: Option<&clap::builder::StyledStr>) {
    roff.control("nf", []);
    for line in text.map(ToString::to_string).unwrap_or_default().lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_every_verb_and_no_hidden_one() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for verb in tree().get_subcommands() {
            let heading = format!(".SS \"flightdeck {}\"", verb.get_name());
            assert_eq!(page.contains(&heading), !verb.is_hide_set(), "{heading}");
        }
        assert!(page.contains(".SS \"flightdeck run attach\""));
        assert!(page.contains("outcome unknown"), "exit codes are in it");
        assert!(!page.contains('\u{1b}'), "no escapes of a terminal");
    }
}
