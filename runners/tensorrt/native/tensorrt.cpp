// See tensorrt.h. Only the functions with C names are looked up in the libraries; everything else goes through tables of methods.
#include "tensorrt.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <NvInfer.h>
#include <NvOnnxParser.h>

namespace {

// Longer reasons are cut.
constexpr size_t kLongestReason = 4000;

// A pointer below this is none. Without a driver `createInferRuntime_INTERNAL` gives 0x228: a base class of a null pointer.
constexpr uintptr_t kFirstAddress = 4096;

// What TensorRT says of errors, until somebody asks for it: on the thread that asked it for something, or on one of its own. It knows
// one logger in a process.
class Log final : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override {
    if (severity > Severity::kERROR || text == nullptr) return;
    try {
      if (is_asking) {
        add(own, text);
      } else {
        const std::lock_guard<std::mutex> lock(mutex_);
        add(others_, text);
      }
    } catch (...) {
      // Without memory for a reason there is none.
    }
  }

  // Forgets what was said before: it is none of the business of what comes now.
  void begin() {
    is_asking = true;
    own.clear();
    const std::lock_guard<std::mutex> lock(mutex_);
    others_.clear();
  }

  void end() noexcept { is_asking = false; }

  std::string said() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return own.empty() ? others_ : own;
  }

 private:
  static void add(std::string& said, const char* text) {
    if (said.size() > kLongestReason) return;
    if (!said.empty()) said += "; ";
    said += text;
  }

  static thread_local bool is_asking;
  static thread_local std::string own;
  std::mutex mutex_;
  std::string others_;
};

thread_local bool Log::is_asking = false;
thread_local std::string Log::own;

// Never destroyed: what the vendor's threads do when a process ends is theirs.
Log& log() {
  static Log* const only = new Log();
  return *only;
}

// A failure with its reason.
struct Failure {
  std::string text;
};

// What was attempted, and what TensorRT says of it.
[[noreturn]] void fail(const std::string& attempted) {
  const std::string said = log().said();
  throw Failure{said.empty() ? attempted + " failed without a reason" : attempted + " failed: " + said};
}

void tell(char** reason, const std::string& text) {
  if (reason != nullptr) *reason = strdup(text.substr(0, kLongestReason).c_str());
}

// What `work` gives, or `failed` with the reason.
template <typename Result, typename Work>
Result guarded(char** reason, Result failed, Work work) {
  struct End {
    ~End() { log().end(); }
  } const end;
  try {
    log().begin();
    return work();
  } catch (const Failure& failure) {
    tell(reason, failure.text);
  } catch (const std::exception& error) {
    tell(reason, error.what());
  } catch (...) {
    tell(reason, "TensorRT threw something that is no error");
  }
  return failed;
}

// A pointer that a library gave, if it is one.
template <typename Class>
Class* checked(void* given, const char* attempted) {
  if (reinterpret_cast<uintptr_t>(given) < kFirstAddress) fail(attempted);
  return static_cast<Class*>(given);
}

void* open_library(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const said = dlerror();
    throw Failure{said == nullptr ? std::string("cannot open ") + path : said};
  }
  return library;
}

template <typename Function>
Function* find(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

nvinfer1::Dims dims_of(const nav_shape& shape) {
  if (shape.rank < 0 || shape.rank > NAV_MAX_RANK) throw Failure{"TensorRT knows at most 8 dimensions"};
  nvinfer1::Dims dims{};
  dims.nbDims = shape.rank;
  for (int32_t axis = 0; axis < shape.rank; ++axis) dims.d[axis] = shape.extents[axis];
  return dims;
}

nav_shape shape_of(const nvinfer1::Dims& dims, const char* attempted) {
  if (dims.nbDims < 0 || dims.nbDims > NAV_MAX_RANK) fail(attempted);
  nav_shape shape{};
  shape.rank = dims.nbDims;
  for (int32_t axis = 0; axis < dims.nbDims; ++axis) shape.extents[axis] = dims.d[axis];
  return shape;
}

// The memory of an output whose extents are known only once it was computed: enough for the most that it can be.
class Place final : public nvinfer1::IOutputAllocator {
 public:
  void* reallocateOutputAsync(const char*, void*, uint64_t size, uint64_t, cudaStream_t) override {
    return size <= capacity ? start : nullptr;
  }

  void notifyShape(const char*, const nvinfer1::Dims& dims) noexcept override { found = dims; }

  void* start = nullptr;
  uint64_t capacity = 0;
  nvinfer1::Dims found{-1, {}};
};

}  // namespace

struct nav_library {
  decltype(createInferRuntime_INTERNAL)* create_runtime;
  // Null in the runtimes that build nothing.
  decltype(createInferBuilder_INTERNAL)* create_builder;
  // Null where no parser was opened.
  decltype(createNvOnnxParser_INTERNAL)* create_parser;
  int32_t version[4];
};

struct nav_engine {
  // First, and so destroyed after the engine that it read.
  std::unique_ptr<nvinfer1::IRuntime> runtime;
  std::unique_ptr<nvinfer1::ICudaEngine> engine;
  // Contexts are made by one thread at a time.
  std::mutex mutex;
};

struct nav_context {
  // First, and so destroyed after the context that writes to them.
  std::map<std::string, std::unique_ptr<Place>> places;
  std::unique_ptr<nvinfer1::IExecutionContext> context;
};

struct nav_bytes {
  std::unique_ptr<nvinfer1::IHostMemory> memory;
};

namespace {

std::unique_ptr<nvinfer1::IRuntime> runtime_of(nav_library& library) {
  void* const made = library.create_runtime(&log(), NV_TENSORRT_VERSION);
  return std::unique_ptr<nvinfer1::IRuntime>(checked<nvinfer1::IRuntime>(made, "setting TensorRT up"));
}

void parse(nvonnxparser::IParser& parser, const char* model) {
  const int verbosity = static_cast<int>(nvinfer1::ILogger::Severity::kERROR);
  if (parser.parseFromFile(model, verbosity)) return;
  std::string said;
  for (int index = 0; index < parser.getNbErrors(); ++index) {
    const nvonnxparser::IParserError* const error = parser.getError(index);
    if (error == nullptr) continue;
    const char* const node = error->nodeName();
    const char* const words = error->desc();
    if (!said.empty()) said += "; ";
    if (node != nullptr && *node != 0) said += std::string("node ") + node + ": ";
    said += words == nullptr ? "no reason" : words;
  }
  if (said.empty()) fail("reading the graph");
  throw Failure{"reading the graph failed: " + said};
}

void add_profile(nvinfer1::IBuilder& builder, nvinfer1::IBuilderConfig& config, const nav_build& build) {
  if (build.range_count == 0) return;
  // The builder keeps it and destroys it.
  nvinfer1::IOptimizationProfile* const profile = builder.createOptimizationProfile();
  if (profile == nullptr) fail("making an optimization profile");
  using Selector = nvinfer1::OptProfileSelector;
  for (size_t index = 0; index < build.range_count; ++index) {
    const nav_range& range = build.ranges[index];
    const bool is_taken = profile->setDimensions(range.name, Selector::kMIN, dims_of(range.least)) &&
                          profile->setDimensions(range.name, Selector::kOPT, dims_of(range.usual)) &&
                          profile->setDimensions(range.name, Selector::kMAX, dims_of(range.most));
    if (!is_taken) fail(std::string("setting the extents of input ") + range.name);
  }
  if (config.addOptimizationProfile(profile) < 0) fail("adding the optimization profile");
}

void configure(nvinfer1::IBuilderConfig& config, const nav_build& build) {
  if (build.tf32 != 0) {
    config.setFlag(nvinfer1::BuilderFlag::kTF32);
  } else {
    // It is set unless it is cleared.
    config.clearFlag(nvinfer1::BuilderFlag::kTF32);
  }
  if (build.level >= 0) config.setBuilderOptimizationLevel(build.level);
  if (build.workspace > 0) config.setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, build.workspace);
}

// What earlier builds measured, or nothing where it is of another device or version.
std::unique_ptr<nvinfer1::ITimingCache> timing_of(nvinfer1::IBuilderConfig& config, const nav_build& build) {
  const bool is_given = build.timing != nullptr && build.timing_size > 0;
  std::unique_ptr<nvinfer1::ITimingCache> cache;
  if (is_given) cache.reset(config.createTimingCache(build.timing, build.timing_size));
  if (cache != nullptr && config.setTimingCache(*cache, false)) return cache;
  cache.reset(config.createTimingCache(nullptr, 0));
  if (cache == nullptr || !config.setTimingCache(*cache, false)) fail("setting the timing cache");
  // What it said of the other cache is no reason for anything.
  log().begin();
  return cache;
}

std::unique_ptr<nvinfer1::IHostMemory> built(nav_library& library, const nav_build& build, nav_bytes** timing) {
  if (library.create_builder == nullptr) throw Failure{"this is a runtime of TensorRT that builds no engines"};
  if (library.create_parser == nullptr) throw Failure{"there is no parser of ONNX (libnvonnxparser) beside TensorRT"};
  // First, as it must outlive the builder.
  std::unique_ptr<nvinfer1::ITimingCache> cache;
  void* const made = library.create_builder(&log(), NV_TENSORRT_VERSION);
  const std::unique_ptr<nvinfer1::IBuilder> builder(checked<nvinfer1::IBuilder>(made, "setting the builder up"));
  // Networks are strongly typed: types are those of the graph.
  const std::unique_ptr<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(0));
  if (network == nullptr) fail("making a network");
  void* const parsing = library.create_parser(network.get(), &log(), NV_ONNX_PARSER_VERSION);
  // It holds what the network refers to, so it is destroyed before the network and after the build.
  const std::unique_ptr<nvonnxparser::IParser> parser(checked<nvonnxparser::IParser>(parsing, "making a parser"));
  parse(*parser, build.model);
  const std::unique_ptr<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
  if (config == nullptr) fail("making a configuration");
  configure(*config, build);
  add_profile(*builder, *config, build);
  cache = timing_of(*config, build);
  std::unique_ptr<nvinfer1::IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  if (plan == nullptr || plan->data() == nullptr || plan->size() == 0) fail("building the engine");
  std::unique_ptr<nvinfer1::IHostMemory> measured(cache->serialize());
  *timing = measured == nullptr || measured->data() == nullptr ? nullptr : new nav_bytes{std::move(measured)};
  return plan;
}

}  // namespace

void nav_text_free(char* text) { free(text); }

nav_library* nav_library_open(const char* path, const char* parser, char** reason) {
  return guarded(reason, static_cast<nav_library*>(nullptr), [&] {
    auto library = std::make_unique<nav_library>();
    void* const opened = open_library(path);
    library->create_runtime = find<decltype(createInferRuntime_INTERNAL)>(opened, "createInferRuntime_INTERNAL");
    library->create_builder = find<decltype(createInferBuilder_INTERNAL)>(opened, "createInferBuilder_INTERNAL");
    const char* const parts[] = {"getInferLibMajorVersion", "getInferLibMinorVersion", "getInferLibPatchVersion",
                                 "getInferLibBuildVersion"};
    bool is_complete = library->create_runtime != nullptr;
    for (int index = 0; index < 4; ++index) {
      auto* const part = find<decltype(getInferLibMajorVersion)>(opened, parts[index]);
      is_complete = is_complete && part != nullptr;
      library->version[index] = part == nullptr ? 0 : part();
    }
    if (!is_complete) throw Failure{std::string(path) + " is no TensorRT"};
    library->create_parser = nullptr;
    if (parser != nullptr) {
      void* const parsing = open_library(parser);
      library->create_parser = find<decltype(createNvOnnxParser_INTERNAL)>(parsing, "createNvOnnxParser_INTERNAL");
      if (library->create_parser == nullptr) throw Failure{std::string(parser) + " is no parser of ONNX"};
    }
    return library.release();
  });
}

void nav_library_version(const nav_library* library, int32_t version[4]) {
  memcpy(version, library->version, sizeof library->version);
}

int nav_library_try(nav_library* library, char** reason) {
  return guarded(reason, -1, [&] {
    runtime_of(*library);
    return 0;
  });
}

nav_engine* nav_engine_open(nav_library* library, const void* plan, size_t size, char** reason) {
  return guarded(reason, static_cast<nav_engine*>(nullptr), [&] {
    auto engine = std::make_unique<nav_engine>();
    engine->runtime = runtime_of(*library);
    void* const read = engine->runtime->deserializeCudaEngine(plan, size);
    engine->engine.reset(checked<nvinfer1::ICudaEngine>(read, "reading the engine"));
    return engine.release();
  });
}

void nav_engine_free(nav_engine* engine) { delete engine; }

int32_t nav_engine_count(const nav_engine* engine) { return engine->engine->getNbIOTensors(); }

int nav_engine_tensor(const nav_engine* engine, int32_t index, nav_tensor* tensor, char** reason) {
  return guarded(reason, -1, [&] {
    const nvinfer1::ICudaEngine& of = *engine->engine;
    const char* const name = of.getIOTensorName(index);
    if (name == nullptr) fail("naming a tensor of the engine");
    tensor->name = name;
    tensor->dtype = static_cast<int32_t>(of.getTensorDataType(name));
    tensor->shape = shape_of(of.getTensorShape(name), "reading the shape of a tensor");
    tensor->is_input = of.getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT;
    tensor->is_on_host = of.getTensorLocation(name) == nvinfer1::TensorLocation::kHOST;
    tensor->is_linear = of.getTensorFormat(name) == nvinfer1::TensorFormat::kLINEAR;
    return 0;
  });
}

int nav_engine_range(const nav_engine* engine, const char* name, nav_shape* least, nav_shape* most, char** reason) {
  return guarded(reason, -1, [&] {
    using Selector = nvinfer1::OptProfileSelector;
    const nvinfer1::ICudaEngine& of = *engine->engine;
    *least = shape_of(of.getProfileShape(name, 0, Selector::kMIN), "reading the extents of an input");
    *most = shape_of(of.getProfileShape(name, 0, Selector::kMAX), "reading the extents of an input");
    return 0;
  });
}

nav_context* nav_context_open(nav_engine* engine, char** reason) {
  return guarded(reason, static_cast<nav_context*>(nullptr), [&] {
    auto context = std::make_unique<nav_context>();
    const std::lock_guard<std::mutex> lock(engine->mutex);
    void* const made = engine->engine->createExecutionContext();
    context->context.reset(checked<nvinfer1::IExecutionContext>(made, "making an execution context"));
    return context.release();
  });
}

void nav_context_free(nav_context* context) { delete context; }

int nav_context_input(nav_context* context, const char* name, const nav_shape* shape, const void* place, char** reason) {
  return guarded(reason, -1, [&] {
    if (!context->context->setInputShape(name, dims_of(*shape))) fail(std::string("setting the shape of input ") + name);
    if (!context->context->setInputTensorAddress(name, place)) fail(std::string("setting the place of input ") + name);
    return 0;
  });
}

int nav_context_output_shape(nav_context* context, const char* name, nav_shape* shape, uint64_t* most, char** reason) {
  return guarded(reason, -1, [&] {
    const std::string attempted = std::string("reading the shape of output ") + name;
    *shape = shape_of(context->context->getTensorShape(name), attempted.c_str());
    const int64_t bytes = context->context->getMaxOutputSize(name);
    if (bytes < 0) fail(std::string("reading the size of output ") + name);
    *most = static_cast<uint64_t>(bytes);
    return 0;
  });
}

int nav_context_output(nav_context* context, const char* name, void* place, uint64_t capacity, int is_open, char** reason) {
  return guarded(reason, -1, [&] {
    bool is_set = true;
    if (is_open != 0) {
      std::unique_ptr<Place>& kept = context->places[name];
      if (kept == nullptr) kept = std::make_unique<Place>();
      kept->start = place;
      kept->capacity = capacity;
      kept->found.nbDims = -1;
      is_set = context->context->setOutputAllocator(name, kept.get());
    }
    is_set = is_set && context->context->setTensorAddress(name, place);
    if (!is_set) fail(std::string("setting the place of output ") + name);
    return 0;
  });
}

int nav_context_found_shape(const nav_context* context, const char* name, nav_shape* shape, char** reason) {
  return guarded(reason, -1, [&] {
    const auto place = context->places.find(name);
    const std::string attempted = std::string("finding the shape of output ") + name;
    if (place == context->places.end()) throw Failure{attempted + " failed: it was not open"};
    *shape = shape_of(place->second->found, attempted.c_str());
    return 0;
  });
}

int nav_context_enqueue(nav_context* context, void* stream, char** reason) {
  return guarded(reason, -1, [&] {
    if (!context->context->enqueueV3(static_cast<cudaStream_t>(stream))) fail("running the engine");
    return 0;
  });
}

nav_bytes* nav_engine_build(nav_library* library, const nav_build* build, nav_bytes** timing, char** reason) {
  *timing = nullptr;
  return guarded(reason, static_cast<nav_bytes*>(nullptr),
                 [&] { return new nav_bytes{built(*library, *build, timing)}; });
}

const void* nav_bytes_start(const nav_bytes* bytes) { return bytes->memory->data(); }
size_t nav_bytes_size(const nav_bytes* bytes) { return bytes->memory->size(); }
void nav_bytes_free(nav_bytes* bytes) { delete bytes; }
