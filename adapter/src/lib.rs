//! What programs use: a runner out of a package, functions and runners bound to a server, a server without
//! sockets.
//!
//! Puts together what the crates below it do, and decides nothing about requests.
