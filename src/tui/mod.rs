//! Draws the model: layout, theme, one file a pane, one file an overlay.
