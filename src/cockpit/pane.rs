//! The panes of the cockpit.

use jiff::Timestamp;

/// The five panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// What happened.
    Timeline,
    /// How the service is doing.
    Health,
    /// The branch.
    Hotfix,
    /// The manual checklist.
    Checklist,
    /// What is and was being carried out.
    Runs,
}

impl Pane {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Timeline, Self::Health, Self::Hotfix, Self::Checklist, Self::Runs];

    /// Its name in the title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Timeline => "Timeline",
            Self::Health => "Health",
            Self::Hotfix => "Hotfix",
            Self::Checklist => "Checklist",
            Self::Runs => "Runs",
        }
    }
}

/// Where a pane is scrolled to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Row the cursor is on, among the rows that pass the filter. For the timeline `None`
    /// follows the end; for the other panes `None` is the first row.
    pub cursor: Option<usize>,
    /// First row shown.
    pub top: usize,
    /// Rows there was room for in the last frame.
    pub height: u16,
    /// Only rows that contain this are shown, case ignored; empty: all.
    pub filter: String,
    /// Since when it is filtered.
    pub filtered_since: Option<Timestamp>,
    /// Since when what the program wrote is folded; `None`: it is not.
    pub folded: Option<Timestamp>,
}
