//! A practice outage: a real repository, a real service that misbehaves.
