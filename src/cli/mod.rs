//! The command line: one file a verb.

use std::process::ExitCode;

/// Parses the arguments, carries out the verb and returns its exit code.
pub fn main() -> ExitCode {
    todo!()
}
