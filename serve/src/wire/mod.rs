//! What travels: the JSON of requests and answers, numbers and byte strings in it, and binary blocks beside it.

mod answer;
mod asked;
mod classify;
mod cursor;
mod fault;
mod frames;
mod generate;
mod infer;
mod leaves;
mod members;
mod outputs;
mod parameters;
mod register;
mod write;

pub(crate) use answer::{Answer, compose};
pub(crate) use asked::{Asked, MOST_TENSORS, Wanted, find_input};
pub(crate) use cursor::check_json;
pub(crate) use fault::Fault;
pub(crate) use frames::{cut, join};
pub(crate) use generate::{compose_generated, read_generate};
pub(crate) use infer::{raw, read};
pub(crate) use outputs::{outputs, take_long};
pub(crate) use parameters::{MOST_PARAMETERS, Own, Parameters, RESERVED};
pub(crate) use register::{read_cuda_registration, read_registration};
pub(crate) use write::{double, error_body, integer, separated, string};
