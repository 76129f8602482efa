//! # Tests of the app side
