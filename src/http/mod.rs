//! # HTTP/1.1: bytes to events and back
