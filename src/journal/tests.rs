//! What the journal promises, on real files.
