//! Folds turned into documents: the incident report.
