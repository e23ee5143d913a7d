//! PURE core of the program: model, messages, update, effects, commands, keymap.
