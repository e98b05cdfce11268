// What the classes of the double ask of its other half: models, plans and numbers. Texts that are given back are freed with
// `double_text_free`.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

typedef struct double_model double_model;
typedef struct double_results double_results;

typedef struct {
  // -1 where it is not known.
  int32_t rank;
  int64_t extents[8];
} double_shape;

// An input or output. The texts live as long as the model.
typedef struct {
  const char* name;
  // FP32, INT64 and the like.
  const char* dtype;
  uint64_t element_size;
  double_shape shape;
  uint8_t is_input;
  // Whether its values are a shape of something.
  uint8_t is_shape;
} double_tensor;

// The extents of an input that a plan is for.
typedef struct {
  const char* name;
  double_shape of[3];
} double_range;

// What a plan is of.
typedef struct {
  int32_t version[4];
  int32_t capability[2];
  uint8_t tf32;
  int32_t level;
  uint64_t workspace;
} double_facts;

// A value that is given to a run, or is not known yet: then there are no bytes.
typedef struct {
  const void* bytes;
  uint64_t size;
  double_shape shape;
} double_value;

void double_text_free(char* text);
// Major, minor, patch and build, as the library says them.
void double_version(int32_t version[4]);
// An entry of `double.conf`, or null.
char* double_setting(const char* key);

double_model* double_model_read(const char* path, char** reason);
void double_model_free(double_model* model);
size_t double_model_count(const double_model* model);
void double_model_tensor(const double_model* model, size_t index, double_tensor* tensor);
// Bytes of all its files.
uint64_t double_model_bytes(const double_model* model);
// A number that only the same model has.
uint64_t double_model_digest(const double_model* model);

// The shapes of all outputs for inputs of these shapes, and values where these say shapes; -1 where only running tells. 0, or -1 with a
// reason.
int double_model_infer(double_model* model, const double_value* inputs, size_t count, double_shape* outputs, char** reason);
// Runs it on the calling thread.
double_results* double_model_run(double_model* model, const double_value* inputs, size_t count, char** reason);
void double_results_get(const double_results* results, size_t index, double_value* value);
void double_results_free(double_results* results);

// Writes a plan. It is freed with `double_plan_free`.
uint8_t* double_plan_write(const double_model* model, const double_facts* facts, const double_range* ranges, size_t count, size_t* size);
void double_plan_free(uint8_t* plan, size_t size);
// Reads one, if it is of this device and version. There must be room for 256 ranges. They are as many as the model has inputs, in their order; rank -1 where none is said.
double_model* double_plan_read(const uint8_t* plan, size_t size, const double_facts* here, double_range* ranges, char** reason);

// What is found in the libraries by name.
void* double_create_runtime(void* logger, int32_t version);
void* double_create_builder(void* logger, int32_t version);
void* double_create_parser(void* network, void* logger, int version);
}
