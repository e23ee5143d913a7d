//! The loop: input, effects to tasks, tasks to messages.
