//! The one function that changes the model.

use super::model::Model;
use super::msg::{Effect, EffectId, Msg};

/// Takes in one message and says what is to be done.
pub fn update(_model: &mut Model, _msg: Msg) -> Vec<(EffectId, Effect)> {
    todo!()
}
