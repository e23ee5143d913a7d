//! Parses the arguments, calls one function, maps its error to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    flightdeck::cli::main()
}
