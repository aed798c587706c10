//! What the host decides by itself: where no plugin does, or where its plugin failed and nothing
//! good is left of it.
//!
//! There is none for auth: without a policy everybody is let in, and nobody if the policy fails.

pub mod layout;
pub mod routing;
pub mod selection;
