//! The panes of the cockpit.

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
