// What the TensorRT worker asks of TensorRT: a library opened by path, engines, execution contexts, and building. A C interface over
// interfaces of classes: no exception leaves it, no null pointer is called through, and what failed is a text.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

typedef struct nav_library nav_library;
typedef struct nav_engine nav_engine;
typedef struct nav_context nav_context;
typedef struct nav_bytes nav_bytes;

// No tensor of TensorRT has more dimensions.
enum { NAV_MAX_RANK = 8 };

// The extents of a tensor. -1 is one that is not fixed.
typedef struct {
  int32_t rank;
  int64_t extents[NAV_MAX_RANK];
} nav_shape;

// What an engine takes or gives.
typedef struct {
  // Lives as long as the engine.
  const char* name;
  // The number of an element type, as TensorRT has it.
  int32_t dtype;
  nav_shape shape;
  uint8_t is_input;
  // Whether its values are read by the processor: it says a shape.
  uint8_t is_on_host;
  // Whether it lies row by row, without vectors of channels.
  uint8_t is_linear;
} nav_tensor;

// The extents of an input that a build is told of.
typedef struct {
  const char* name;
  nav_shape least;
  nav_shape usual;
  nav_shape most;
} nav_range;

typedef struct {
  // The graph: a path of an ONNX file, whose external data lies beside it.
  const char* model;
  // Inputs with open dimensions.
  const nav_range* ranges;
  size_t range_count;
  // Whether products of FP32 may be computed with ten bits of mantissa.
  uint8_t tf32;
  // How hard it tries, or -1 for its own choice.
  int32_t level;
  // The most scratch memory, or 0 for its own choice.
  uint64_t workspace;
  // What earlier builds measured on this device, or null.
  const void* timing;
  size_t timing_size;
} nav_build;

// Where a failure leaves its reason. The text is freed with `nav_text_free`.
void nav_text_free(char* text);

// Opens TensorRT, and the parser of ONNX where a path of one is given. They stay open.
nav_library* nav_library_open(const char* path, const char* parser, char** reason);
// Major, minor, patch and build.
void nav_library_version(const nav_library* library, int32_t version[4]);

// Whether it sets a runtime up on the device that is in use. It needs a driver. 0, or -1 with a reason.
int nav_library_try(nav_library* library, char** reason);

// Reads a serialized engine. It holds code, and the driver must be there.
nav_engine* nav_engine_open(nav_library* library, const void* plan, size_t size, char** reason);
void nav_engine_free(nav_engine* engine);
int32_t nav_engine_count(const nav_engine* engine);
int nav_engine_tensor(const nav_engine* engine, int32_t index, nav_tensor* tensor, char** reason);
// The extents that an input may have, from the least to the most.
int nav_engine_range(const nav_engine* engine, const char* name, nav_shape* least, nav_shape* most, char** reason);

// One thread's use of an engine. It must be freed before its engine.
nav_context* nav_context_open(nav_engine* engine, char** reason);
void nav_context_free(nav_context* context);
// Says the extents and the place of an input: of the device, or of the host where the engine reads it there.
int nav_context_input(nav_context* context, const char* name, const nav_shape* shape, const void* place, char** reason);
// The extents that an output will have for these inputs, -1 where only its values say them, and the most bytes it can take.
int nav_context_output_shape(nav_context* context, const char* name, nav_shape* shape, uint64_t* most, char** reason);
// Says the place of an output, of so many bytes. `is_open` where the extents are known only after the run; whether an output is
// open must not change.
int nav_context_output(nav_context* context, const char* name, void* place, uint64_t capacity, int is_open, char** reason);
// The extents of an output that was open, after a run.
int nav_context_found_shape(const nav_context* context, const char* name, nav_shape* shape, char** reason);
// Queues a run on a stream.
int nav_context_enqueue(nav_context* context, void* stream, char** reason);

// Builds an engine. `timing` takes what was measured, or null where that could not be had.
nav_bytes* nav_engine_build(nav_library* library, const nav_build* build, nav_bytes** timing, char** reason);
const void* nav_bytes_start(const nav_bytes* bytes);
size_t nav_bytes_size(const nav_bytes* bytes);
void nav_bytes_free(nav_bytes* bytes);
}
