// What the classes of the double have in common: the log, the driver, texts, and what is missing.
#pragma once
#include "double.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <NvInfer.h>
#include <NvInferImpl.h>
#include <NvOnnxParser.h>

namespace shared {

using Severity = nvinfer1::ILogger::Severity;

// Room for the tensors of a model.
constexpr size_t kMostTensors = 256;

void set_logger(void* logger);
void say(const std::string& text, Severity severity = Severity::kERROR);

// The text that the other half gave, which is freed.
std::string taken(char* text);
bool is_on(const char* setting);

// The driver, as it is open already or as the system's loader finds it, if it is the double.
struct Driver {
  int (*current_device)(int*);
  int (*attribute)(int*, int, int);
  int (*allocate)(uint64_t*, size_t);
  int (*free)(uint64_t);
  int (*launch)(void*, void (*)(void*), void*);
  int (*synchronize)(void*);
  int (*is_capturing)(void*, int*);
  void* (*reach)(uint64_t, size_t);
  void (*fault)(int);
  void (*count)(int, int64_t);
};

// Null where there is none.
const Driver* find_driver();
const Driver& driver();

// Which counter of the driver's double is meant: see its `counters.rs`.
enum Counter { kMISUSES = 8, kOBJECTS = 9, kRUNS = 10, kTIMING_HITS = 11 };

// Counts something as long as it lives.
struct Counted {
  Counted() { driver().count(kOBJECTS, 1); }
  ~Counted() { driver().count(kOBJECTS, -1); }
};

// Tells of a broken rule that TensorRT itself would not see.
void misuse(const std::string& what);

// The device in use for this thread and the version, or false: where none is in use the true one takes the first, which is never meant.
bool facts_here(double_facts& facts, const char* caller);

nvinfer1::DataType type_of(const double_tensor& tensor);
nvinfer1::Dims dims_of(const double_shape& shape);
double_shape shape_of(const nvinfer1::Dims& dims);
bool is_same(const nvinfer1::Dims& one, const nvinfer1::Dims& other);
std::string text_of(const nvinfer1::Dims& dims);

// A model of the other half.
using Model = std::shared_ptr<double_model>;

inline Model own(double_model* model) {
  return Model(model, [](double_model* gone) { double_model_free(gone); });
}

inline std::vector<double_tensor> tensors_of(const Model& model) {
  std::vector<double_tensor> all(double_model_count(model.get()));
  for (size_t at = 0; at < all.size(); ++at) double_model_tensor(model.get(), at, &all[at]);
  return all;
}

// What the double has not, said by whoever calls it.
template <typename Result>
Result none(const char* what) {
  say(std::string(what) + " is not in this double");
  if constexpr (std::is_same_v<Result, void>) {
    return;
  } else if constexpr (std::is_reference_v<Result>) {
    fprintf(stderr, "%s is not in this double of TensorRT\n", what);
    abort();
  } else {
    return Result{};
  }
}

}  // namespace shared

// Every function that a class must have, so that the classes below have to name only those that they have: made of the headers.
namespace missing {
using namespace nvinfer1;
using namespace nvinfer1::apiv;
using nvonnxparser::IParser;
using nvonnxparser::IParserError;
using nvonnxparser::IRefitterObserver;
using nvonnxparser::OnnxParserFlag;
using nvonnxparser::OnnxParserFlags;
using ErrorCode = nvonnxparser::ErrorCode;
using shared::none;
template <typename Class>
struct Missing;
#include "missing.inc"
}  // namespace missing
using missing::Missing;
