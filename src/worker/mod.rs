//! TODO room story.
