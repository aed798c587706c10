//! Desired state, diff, reconcile; the event bus and the decision log.
