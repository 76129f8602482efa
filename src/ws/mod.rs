//! # WebSocket: bytes to events and back
