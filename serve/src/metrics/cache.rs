//! How the cache of responses is doing, for the whole server.

use nav_engine::CacheStatistics;

use super::text::gauge;

/// Everything about the cache.
pub(super) fn write(out: &mut String, cache: &CacheStatistics) {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    let util = cache.bytes as f64 / (cache.capacity.max(1)) as f64;
    let lookups = cache.hits + cache.misses;
    gauge(out, "nv_cache_util", "Cache utilization [0.0 - 1.0]", util);
    gauge(
        out,
        "nv_cache_num_entries",
        "Number of responses stored in response cache",
        cache.entries,
    );
    gauge(
        out,
        "nv_cache_num_hits",
        "Number of cache hits in response cache",
        cache.hits,
    );
    gauge(
        out,
        "nv_cache_num_misses",
        "Number of cache misses in response cache",
        cache.misses,
    );
    gauge(
        out,
        "nv_cache_num_lookups",
        "Number of cache lookups in response cache",
        lookups,
    );
    gauge(
        out,
        "nv_cache_num_evictions",
        "Number of cache evictions in response cache",
        cache.evictions,
    );
    gauge(
        out,
        "nv_cache_lookup_duration",
        "Total cache lookup duration (hit and miss), in microseconds",
        cache.lookup_ns / 1000,
    );
    gauge(
        out,
        "nv_cache_insertion_duration",
        "Total cache insertion duration, in microseconds",
        cache.insertion_ns / 1000,
    );
}
