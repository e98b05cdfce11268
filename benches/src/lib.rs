//! What each hop costs.
