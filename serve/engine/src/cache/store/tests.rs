//! What is found, what is not, and what goes when there is no room.

use nav_package_format::{DType, Digest, Shape};
use nav_runners::{Tensor, TensorDesc};
use smallvec::SmallVec;

use super::*;
use crate::request::{Frames, Parameter};

const MODEL: Identity = Identity::Load(1);

fn call(bytes: &[u8], pieces: usize) -> Call {
    let frames: Frames = bytes.chunks(pieces).map(Bytes::copy_from_slice).collect();
    Call {
        id: None,
        descs: std::iter::once(TensorDesc {
            index: 0,
            dtype: DType::Uint8,
            shape: Shape::from([bytes.len()]),
            byte_size: bytes.len(),
        })
        .collect(),
        frames: std::iter::once(frames).collect(),
        outputs: SmallVec::new(),
        parameters: Vec::new(),
        correlation: None,
        priority: 1,
        timeout: None,
        deadline: None,
        rows: 1,
    }
}

fn response(byte: u8) -> Response {
    let bytes = vec![byte; 8];
    Response::new([Tensor {
        desc: TensorDesc {
            index: 0,
            dtype: DType::Uint8,
            shape: Shape::from([8]),
            byte_size: 8,
        },
        bytes: bytes.into(),
    }])
}

fn keep(cache: &ResponseCache, call: &Call, byte: u8) {
    let (looked_up, _) = cache.look_up(MODEL, 1, call);
    cache.keep(looked_up.unwrap_err(), call, &response(byte));
}

fn finds(cache: &ResponseCache, call: &Call) -> Option<Response> {
    cache.look_up(MODEL, 1, call).0.ok()
}

#[test]
fn the_same_request_is_found_however_it_is_cut() {
    let cache = ResponseCache::new(1 << 20);
    keep(&cache, &call(&[1, 2, 3, 4], 4), 7);
    for pieces in 1..5 {
        let found = finds(&cache, &call(&[1, 2, 3, 4], pieces));
        assert_eq!(found, Some(response(7)));
    }
    let statistics = cache.statistics();
    assert_eq!(
        (statistics.hits, statistics.misses, statistics.entries),
        (4, 1, 1)
    );
}

#[test]
fn whatever_is_different_is_not_found() {
    let cache = ResponseCache::new(1 << 20);
    let same = || call(&[1, 2, 3, 4], 4);
    keep(&cache, &same(), 7);
    let check = |change: &dyn Fn(&mut Call)| {
        let mut other = same();
        change(&mut other);
        assert_eq!(finds(&cache, &other), None);
    };
    check(&|call| call.frames[0] = std::iter::once(Bytes::from_static(&[1, 2, 3, 5])).collect());
    check(&|call| call.descs[0].shape = Shape::from([2, 2]));
    check(&|call| call.descs[0].dtype = DType::Int8);
    check(&|call| call.descs[0].index = 1);
    check(&|call| call.outputs.push(0));
    check(&|call| call.parameters.push(("loud".into(), Parameter::Bool(true))));
    assert!(cache.look_up(MODEL, 2, &same()).0.is_err());
    assert!(cache.look_up(Identity::Load(2), 1, &same()).0.is_err());
    let digest = Identity::Digest(Digest::of(b"other"));
    assert!(cache.look_up(digest, 1, &same()).0.is_err());
}

#[test]
fn a_hash_that_collides_is_no_hit() {
    let cache = ResponseCache::new(1 << 20);
    let (one, other) = (call(&[1], 1), call(&[2], 1));
    keep(&cache, &one, 7);
    let key = cache.look_up(MODEL, 1, &one).0.err();
    assert!(key.is_none());
    // The same head and hash, as if the hashes of both were equal.
    let mut state = cache.state();
    let (&hash, _) = state.entries.iter().next().unwrap();
    let entry = state.touch(hash).unwrap();
    let key = CacheKey {
        hash,
        head: entry.head.clone(),
    };
    assert!(entry.is_of(&key, &one));
    assert!(!entry.is_of(&key, &other));
}

#[test]
fn the_one_that_was_not_used_for_longest_goes_first() {
    let calls: Vec<Call> = (0..4).map(|byte| call(&[byte], 1)).collect();
    let probe = ResponseCache::new(1 << 20);
    keep(&probe, &calls[0], 0);
    let size = probe.statistics().bytes;

    let cache = ResponseCache::new(3 * size);
    for (byte, call) in (0..3).zip(&calls) {
        keep(&cache, call, byte);
    }
    assert!(finds(&cache, &calls[0]).is_some());
    keep(&cache, &calls[3], 3);
    let found: Vec<bool> = calls
        .iter()
        .map(|call| finds(&cache, call).is_some())
        .collect();
    assert_eq!(found, [true, false, true, true]);
    let statistics = cache.statistics();
    assert_eq!((statistics.evictions, statistics.bytes), (1, 3 * size));
}

#[test]
fn what_is_larger_than_the_cache_is_not_kept() {
    let cache = ResponseCache::new(OVERHEAD);
    keep(&cache, &call(&[1], 1), 7);
    let statistics = cache.statistics();
    assert_eq!(
        (statistics.entries, statistics.bytes, statistics.evictions),
        (0, 0, 0)
    );
}
