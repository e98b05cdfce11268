// Runtimes, engines and execution contexts: what must be set before a run, and runs that go through the driver.
#include "shared.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

using namespace nvinfer1;
using namespace nvinfer1::apiv;

namespace shared {

namespace {
std::atomic<ILogger*> last_logger{nullptr};

const Driver* look_for_driver() {
  // As on a host whose driver is too old.
  if (is_on("refuse_tensorrt")) return nullptr;
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  auto found = std::make_unique<Driver>();
  bool is_whole = true;
  const auto look = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    is_whole = is_whole && function != nullptr;
  };
  look(found->current_device, "cuCtxGetDevice");
  look(found->attribute, "cuDeviceGetAttribute");
  look(found->allocate, "cuMemAlloc_v2");
  look(found->free, "cuMemFree_v2");
  look(found->launch, "cuLaunchHostFunc");
  look(found->synchronize, "cuStreamSynchronize");
  look(found->is_capturing, "cuStreamIsCapturing");
  look(found->reach, "nav_double_reach");
  look(found->fault, "nav_double_fault");
  look(found->count, "nav_double_count");
  return is_whole ? found.release() : nullptr;
}
}  // namespace

void set_logger(void* logger) { last_logger = static_cast<ILogger*>(logger); }

void say(const std::string& text, Severity severity) {
  ILogger* const logger = last_logger.load();
  if (logger != nullptr) logger->log(severity, text.c_str());
}

std::string taken(char* text) {
  const std::string copy = text == nullptr ? "no reason" : text;
  double_text_free(text);
  return copy;
}

bool is_on(const char* setting) {
  char* const value = double_setting(setting);
  return value != nullptr && taken(value) == "on";
}

const Driver* find_driver() {
  static const Driver* const only = look_for_driver();
  return only;
}

const Driver& driver() { return *find_driver(); }

void misuse(const std::string& what) {
  driver().count(kMISUSES, 1);
  say("misuse: " + what);
}

bool facts_here(double_facts& facts, const char* caller) {
  facts = double_facts{};
  double_version(facts.version);
  int device = 0;
  if (driver().current_device(&device) != 0) {
    say(std::string(caller) + ": no device is in use for this thread, and the first one would be taken");
    return false;
  }
  // The numbers of the two parts of the compute capability.
  return driver().attribute(&facts.capability[0], 75, device) == 0 && driver().attribute(&facts.capability[1], 76, device) == 0;
}

DataType type_of(const double_tensor& tensor) {
  static const std::map<std::string, DataType> all = {
      {"FP32", DataType::kFLOAT}, {"FP16", DataType::kHALF},  {"BF16", DataType::kBF16},   {"INT8", DataType::kINT8},
      {"INT32", DataType::kINT32}, {"INT64", DataType::kINT64}, {"UINT8", DataType::kUINT8}, {"BOOL", DataType::kBOOL}};
  return all.at(tensor.dtype);
}

Dims dims_of(const double_shape& shape) {
  Dims dims{};
  dims.nbDims = shape.rank;
  for (int32_t axis = 0; axis < shape.rank; ++axis) dims.d[axis] = shape.extents[axis];
  return dims;
}

double_shape shape_of(const Dims& dims) {
  double_shape shape{};
  shape.rank = dims.nbDims;
  for (int32_t axis = 0; axis < dims.nbDims; ++axis) shape.extents[axis] = dims.d[axis];
  return shape;
}

bool is_same(const Dims& one, const Dims& other) {
  if (one.nbDims != other.nbDims) return false;
  for (int32_t axis = 0; axis < one.nbDims; ++axis) {
    if (one.d[axis] != other.d[axis]) return false;
  }
  return true;
}

std::string text_of(const Dims& dims) {
  std::string text = "[";
  for (int32_t axis = 0; axis < dims.nbDims; ++axis) text += (axis == 0 ? "" : ",") + std::to_string(dims.d[axis]);
  return text + "]";
}

}  // namespace shared

namespace {

using namespace shared;

// What the true one asks of every address.
constexpr uintptr_t kAlignment = 256;
// Scratch memory of a context.
constexpr size_t kScratch = 1 << 16;
// What `createInferRuntime_INTERNAL` was seen to give where there is no driver.
constexpr uintptr_t kNoRuntime = 0x228;
// What the driver says of a kernel that reads where nothing is.
constexpr int kIllegalAddress = 700;

bool is_open(const Dims& dims) {
  for (int32_t axis = 0; axis < dims.nbDims; ++axis) {
    if (dims.d[axis] < 0) return true;
  }
  return false;
}

uint64_t elements_of(const Dims& dims) {
  uint64_t count = 1;
  for (int32_t axis = 0; axis < dims.nbDims; ++axis) count *= static_cast<uint64_t>(dims.d[axis]);
  return count;
}

class Runtime final : public IRuntime, public Missing<VRuntime> {
 public:
  Runtime() { mImpl = this; }
  ~Runtime() noexcept override {
    if (engines != 0) misuse("a runtime is destroyed before its engines");
  }
  ICudaEngine* deserializeCudaEngine(const void* blob, size_t size) noexcept override;

  std::atomic<int> engines{0};

 private:
  Counted counted_;
};

class Engine final : public ICudaEngine, public Missing<VCudaEngine> {
 public:
  Engine(Runtime& of, Model made, const std::vector<double_range>& known, uint64_t placed)
      : runtime(of), model(std::move(made)), tensors(tensors_of(model)), ranges(known), weights(placed) {
    mImpl = this;
    ++runtime.engines;
  }
  ~Engine() noexcept override {
    if (contexts != 0) misuse("an engine is destroyed before its contexts");
    if (driver().free(weights) != 0) say("the memory of an engine cannot be freed");
    --runtime.engines;
  }

  IExecutionContext* createExecutionContext(ExecutionContextAllocationStrategy strategy) noexcept override;
  int32_t getNbIOTensors() const noexcept override { return static_cast<int32_t>(tensors.size()); }
  int32_t getNbOptimizationProfiles() const noexcept override { return 1; }

  const char* getIOTensorName(int32_t index) const noexcept override {
    const bool is_there = index >= 0 && static_cast<size_t>(index) < tensors.size();
    return is_there ? tensors[static_cast<size_t>(index)].name : nullptr;
  }

  Dims getTensorShape(const char* name) const noexcept override {
    const double_tensor* const tensor = find(name);
    return tensor == nullptr ? Dims{-1, {}} : dims_of(tensor->shape);
  }

  DataType getTensorDataType(const char* name) const noexcept override {
    const double_tensor* const tensor = find(name);
    return tensor == nullptr ? DataType::kFLOAT : type_of(*tensor);
  }

  TensorLocation getTensorLocation(const char* name) const noexcept override {
    const double_tensor* const tensor = find(name);
    return tensor != nullptr && tensor->is_shape != 0 ? TensorLocation::kHOST : TensorLocation::kDEVICE;
  }

  TensorIOMode getTensorIOMode(const char* name) const noexcept override {
    const double_tensor* const tensor = find(name);
    if (tensor == nullptr) return TensorIOMode::kNONE;
    return tensor->is_input != 0 ? TensorIOMode::kINPUT : TensorIOMode::kOUTPUT;
  }

  TensorFormat getTensorFormat(const char*) const noexcept override { return TensorFormat::kLINEAR; }

  Dims getProfileShape(const char* name, int32_t profile, OptProfileSelector select) const noexcept override {
    const double_tensor* const tensor = find(name);
    if (profile != 0 || tensor == nullptr || tensor->is_input == 0) return Dims{-1, {}};
    return range(*tensor, select);
  }

  // What a profile says, or what is fixed.
  Dims range(const double_tensor& tensor, OptProfileSelector select) const {
    const double_range& known = ranges[static_cast<size_t>(&tensor - tensors.data())];
    const double_shape& of = known.of[static_cast<size_t>(select)];
    return dims_of(of.rank < 0 ? tensor.shape : of);
  }

  const double_tensor* find(const char* name) const {
    for (const double_tensor& tensor : tensors) {
      if (name != nullptr && strcmp(tensor.name, name) == 0) return &tensor;
    }
    return nullptr;
  }

  Runtime& runtime;
  const Model model;
  const std::vector<double_tensor> tensors;
  const std::vector<double_range> ranges;
  const uint64_t weights;
  std::atomic<int> contexts{0};

 private:
  Counted counted_;
};

// An input or output of a run that is queued.
struct Part {
  double_tensor tensor;
  Dims dims{-1, {}};
  uint64_t address = 0;
  uint64_t size = 0;
  // Where the values are known when it is queued: those of the host, or outputs that were computed ahead.
  std::shared_ptr<std::vector<uint8_t>> known;
};

struct Job {
  Model model;
  std::vector<Part> inputs;
  std::vector<Part> outputs;
  bool is_once = true;
};

// Jobs by number, so that one that is run after its context is gone is found out.
std::mutex jobs_mutex;
std::map<uintptr_t, std::shared_ptr<Job>> jobs;
uintptr_t next_job = 1;

using Results = std::unique_ptr<double_results, decltype(&double_results_free)>;

// Runs on the values of a job's inputs. Null, with a message, where that fails.
Results compute(const Job& job) {
  std::vector<double_value> values;
  for (const Part& part : job.inputs) {
    const void* bytes = part.known == nullptr ? driver().reach(part.address, part.size) : part.known->data();
    if (bytes == nullptr) return Results(nullptr, &double_results_free);
    if (strcmp(part.tensor.dtype, "BOOL") == 0) {
      for (uint64_t at = 0; at < part.size; ++at) {
        if (static_cast<const uint8_t*>(bytes)[at] > 1) {
          misuse(std::string("a boolean of ") + part.tensor.name + " is neither 0 nor 1");
          break;
        }
      }
    }
    values.push_back({bytes, part.size, shape_of(part.dims)});
  }
  char* reason = nullptr;
  driver().count(kRUNS, 1);
  Results results(double_model_run(job.model.get(), values.data(), values.size(), &reason), &double_results_free);
  if (results == nullptr) say("kernel failed: " + taken(reason));
  return results;
}

bool write(const Part& part, const void* bytes) {
  void* const to = driver().reach(part.address, part.size);
  if (to != nullptr && part.size > 0) memcpy(to, bytes, part.size);
  return to != nullptr;
}

// What the stream's thread does.
void work(void* number) {
  std::shared_ptr<Job> job;
  {
    const std::lock_guard<std::mutex> lock(jobs_mutex);
    const auto found = jobs.find(reinterpret_cast<uintptr_t>(number));
    if (found != jobs.end()) {
      job = found->second;
      if (job->is_once) jobs.erase(found);
    }
  }
  if (job == nullptr) {
    misuse("a run whose context is gone is launched");
    driver().fault(kIllegalAddress);
    return;
  }
  if (!job->outputs.empty() && job->outputs[0].known != nullptr) {
    for (const Part& part : job->outputs) write(part, part.known->data());
    return;
  }
  const Results results = compute(*job);
  if (results == nullptr) {
    driver().fault(kIllegalAddress);
    return;
  }
  for (size_t at = 0; at < job->outputs.size(); ++at) {
    double_value value{};
    double_results_get(results.get(), at, &value);
    const Part& part = job->outputs[at];
    if (!is_same(dims_of(value.shape), part.dims) || value.size != part.size) {
      say(std::string("output ") + part.tensor.name + " has another shape than was told");
      driver().fault(kIllegalAddress);
      return;
    }
    if (!write(part, value.bytes)) return;
  }
}

class Context final : public IExecutionContext, public Missing<VExecutionContext> {
 public:
  Context(Engine& of, uint64_t scratch) : engine_(of), scratch_(scratch), places_(of.tensors.size()) {
    mImpl = this;
    ++engine_.contexts;
  }
  ~Context() noexcept override {
    {
      const std::lock_guard<std::mutex> lock(jobs_mutex);
      for (const uintptr_t number : jobs_) jobs.erase(number);
    }
    if (driver().free(scratch_) != 0) say("the memory of a context cannot be freed");
    --engine_.contexts;
  }

  const ICudaEngine& getEngine() const noexcept override { return engine_; }
  bool setInputShape(const char* name, const Dims& dims) noexcept override;
  Dims getTensorShape(const char* name) const noexcept override;
  bool setTensorAddress(const char* name, void* data) noexcept override { return set_address(name, data, "setTensorAddress"); }
  bool setInputTensorAddress(const char* name, const void* data) noexcept override {
    const double_tensor* const tensor = engine_.find(name);
    if (tensor == nullptr || tensor->is_input == 0) return refuse("setInputTensorAddress", "the name is of no input");
    return set_address(name, const_cast<void*>(data), "setInputTensorAddress");
  }
  bool setOutputAllocator(const char* name, IOutputAllocator* allocator) noexcept override {
    Place* const place = find(name);
    if (place == nullptr || engine_.find(name)->is_input != 0) return refuse("setOutputAllocator", "the name is of no output");
    place->allocator = allocator;
    return true;
  }
  int64_t getMaxOutputSize(const char* name) const noexcept override;
  bool enqueueV3(cudaStream_t stream) noexcept override;

 private:
  struct Place {
    Dims dims{-1, {}};
    void* address = nullptr;
    IOutputAllocator* allocator = nullptr;
  };

  static bool refuse(const char* caller, const std::string& why) {
    say(std::string("IExecutionContext::") + caller + ": Error Code 3: API Usage Error (Parameter check failed, " + why + ")");
    return false;
  }

  Place* find(const char* name) {
    const double_tensor* const tensor = engine_.find(name);
    return tensor == nullptr ? nullptr : &places_[static_cast<size_t>(tensor - engine_.tensors.data())];
  }

  bool set_address(const char* name, void* data, const char* caller) {
    Place* const place = find(name);
    if (place == nullptr) return refuse(caller, "the name is of no tensor");
    if (reinterpret_cast<uintptr_t>(data) % kAlignment != 0) return refuse(caller, "condition: the address is aligned to 256 bytes");
    place->address = data;
    is_changed_ = true;
    return true;
  }

  // The shape of an input as it is known.
  Dims input_dims(size_t at) const {
    const Dims& said = places_[at].dims;
    if (said.nbDims >= 0) return said;
    const double_tensor& tensor = engine_.tensors[at];
    Dims dims = dims_of(tensor.shape);
    const Dims least = engine_.range(tensor, OptProfileSelector::kMIN);
    const Dims most = engine_.range(tensor, OptProfileSelector::kMAX);
    for (int32_t axis = 0; axis < dims.nbDims; ++axis) {
      if (dims.d[axis] < 0 && least.d[axis] == most.d[axis]) dims.d[axis] = least.d[axis];
    }
    return dims;
  }

  // The shapes of all outputs; none where some input's is not known.
  bool infer(std::vector<double_shape>& outputs, std::string& why) const;
  bool gather(Job& job, const char*& missing) const;
  bool allocate(Job& job, cudaStream_t stream);
  void launch(std::shared_ptr<Job> job, cudaStream_t stream, bool is_recorded);

  Engine& engine_;
  const uint64_t scratch_;
  std::vector<Place> places_;
  std::set<uintptr_t> jobs_;
  // What is changed is set up by the next run, which cannot be done while it is recorded.
  bool is_changed_ = true;
  std::atomic<bool> is_busy_{false};
  Counted counted_;
};

bool Context::setInputShape(const char* name, const Dims& dims) noexcept {
  const double_tensor* const tensor = engine_.find(name);
  if (tensor == nullptr || tensor->is_input == 0) return refuse("setInputShape", "the name is of no input");
  const Dims least = engine_.range(*tensor, OptProfileSelector::kMIN);
  const Dims most = engine_.range(*tensor, OptProfileSelector::kMAX);
  if (dims.nbDims != least.nbDims) return refuse("setInputShape", "condition: engineDims.nbDims == dims.nbDims.");
  for (int32_t axis = 0; axis < dims.nbDims; ++axis) {
    if (dims.d[axis] < least.d[axis] || dims.d[axis] > most.d[axis]) {
      return refuse("setInputShape", "condition: satisfyProfile. Set dimension " + text_of(dims) + " for tensor " + name +
                                         " does not satisfy any optimization profiles. Valid range for profile 0: " + text_of(least) +
                                         ".." + text_of(most) + ".");
    }
  }
  Place& place = *find(name);
  is_changed_ = is_changed_ || !is_same(place.dims, dims);
  place.dims = dims;
  return true;
}

bool Context::infer(std::vector<double_shape>& outputs, std::string& why) const {
  std::vector<double_value> inputs;
  size_t count = 0;
  for (size_t at = 0; at < engine_.tensors.size(); ++at) {
    const double_tensor& tensor = engine_.tensors[at];
    if (tensor.is_input == 0) {
      ++count;
      continue;
    }
    const Dims dims = input_dims(at);
    if (is_open(dims)) {
      why = std::string("the shape of input ") + tensor.name + " is not specified";
      return false;
    }
    const void* const known = tensor.is_shape != 0 ? places_[at].address : nullptr;
    inputs.push_back({known, known == nullptr ? 0 : elements_of(dims) * tensor.element_size, shape_of(dims)});
  }
  outputs.resize(count);
  char* reason = nullptr;
  if (double_model_infer(engine_.model.get(), inputs.data(), inputs.size(), outputs.data(), &reason) == 0) return true;
  why = taken(reason);
  return false;
}

Dims Context::getTensorShape(const char* name) const noexcept {
  const double_tensor* const tensor = engine_.find(name);
  if (tensor == nullptr) return Dims{-1, {}};
  const auto at = static_cast<size_t>(tensor - engine_.tensors.data());
  if (tensor->is_input != 0) return input_dims(at);
  std::vector<double_shape> outputs;
  std::string why;
  if (!infer(outputs, why)) {
    say("IExecutionContext::getTensorShape: " + why);
    return dims_of(tensor->shape);
  }
  return dims_of(outputs[at - (engine_.tensors.size() - outputs.size())]);
}

int64_t Context::getMaxOutputSize(const char* name) const noexcept {
  const double_tensor* const tensor = engine_.find(name);
  std::vector<double_shape> outputs;
  std::string why;
  if (tensor == nullptr || tensor->is_input != 0 || !infer(outputs, why)) return -1;
  // What is open is at most as much as any input has elements.
  uint64_t most = 1;
  for (size_t at = 0; at < engine_.tensors.size(); ++at) {
    if (engine_.tensors[at].is_input != 0) most = std::max(most, elements_of(input_dims(at)));
  }
  Dims dims = getTensorShape(name);
  for (int32_t axis = 0; axis < dims.nbDims; ++axis) {
    if (dims.d[axis] < 0) dims.d[axis] = static_cast<int64_t>(most);
  }
  return static_cast<int64_t>(elements_of(dims) * tensor->element_size);
}

// Fills in where everything is and how large.
bool Context::gather(Job& job, const char*& missing) const {
  std::vector<double_shape> shapes;
  std::string why;
  if (!infer(shapes, why)) return refuse("enqueueV3", why);
  size_t output = 0;
  for (size_t at = 0; at < engine_.tensors.size(); ++at) {
    Part part{engine_.tensors[at]};
    const Place& place = places_[at];
    if (place.address == nullptr && place.allocator == nullptr) missing = part.tensor.name;
    part.address = reinterpret_cast<uintptr_t>(place.address);
    part.dims = part.tensor.is_input != 0 ? input_dims(at) : dims_of(shapes[output++]);
    if (!is_open(part.dims)) part.size = elements_of(part.dims) * part.tensor.element_size;
    if (part.tensor.is_shape != 0 && place.address != nullptr) {
      const auto* const start = static_cast<const uint8_t*>(place.address);
      part.known = std::make_shared<std::vector<uint8_t>>(start, start + part.size);
    }
    (part.tensor.is_input != 0 ? job.inputs : job.outputs).push_back(std::move(part));
  }
  return true;
}

// Runs now, as shapes must be known, and asks for the memory of outputs.
bool Context::allocate(Job& job, cudaStream_t stream) {
  if (driver().synchronize(stream) != 0) return refuse("enqueueV3", "the stream cannot be waited for");
  const Results results = compute(job);
  if (results == nullptr) return false;
  size_t output = 0;
  for (Part& part : job.outputs) {
    double_value value{};
    double_results_get(results.get(), output++, &value);
    const auto* const start = static_cast<const uint8_t*>(value.bytes);
    part.known = std::make_shared<std::vector<uint8_t>>(start, start + value.size);
    part.dims = dims_of(value.shape);
    part.size = value.size;
    IOutputAllocator* const allocator = find(part.tensor.name)->allocator;
    if (allocator == nullptr) continue;
    void* const current = reinterpret_cast<void*>(part.address);
    void* const given =
        allocator->reallocateOutputAsync(part.tensor.name, current, std::max<uint64_t>(part.size, 1), kAlignment, stream);
    if (given == nullptr) {
      return refuse("enqueueV3", std::string("Error Code 2: OutOfMemory: no memory for output ") + part.tensor.name);
    }
    part.address = reinterpret_cast<uintptr_t>(given);
    allocator->notifyShape(part.tensor.name, part.dims);
  }
  return true;
}

void Context::launch(std::shared_ptr<Job> job, cudaStream_t stream, bool is_recorded) {
  job->is_once = !is_recorded;
  uintptr_t number = 0;
  {
    const std::lock_guard<std::mutex> lock(jobs_mutex);
    number = next_job++;
    jobs[number] = std::move(job);
  }
  jobs_.insert(number);
  driver().launch(stream, &work, reinterpret_cast<void*>(number));
}

bool Context::enqueueV3(cudaStream_t stream) noexcept {
  if (is_busy_.exchange(true)) misuse("a context is used by two threads at once");
  struct End {
    std::atomic<bool>& is_busy;
    ~End() { is_busy = false; }
  } const end{is_busy_};
  double_facts here;
  if (!facts_here(here, "IExecutionContext::enqueueV3")) return false;
  auto job = std::make_shared<Job>();
  job->model = engine_.model;
  const char* missing = nullptr;
  if (!gather(*job, missing)) return false;
  if (missing != nullptr) {
    return refuse("enqueueV3",
                  std::string("condition: the address is set. Neither address or allocator is set for tensor ") + missing +
                      ". Call setInputTensorAddress, setTensorAddress or setOutputAllocator before enqueue/execute.");
  }
  int is_recorded = 0;
  if (driver().is_capturing(stream, &is_recorded) != 0) return refuse("enqueueV3", "there is no such stream");
  bool must_run = false;
  for (const Part& part : job->outputs) {
    const IOutputAllocator* const allocator = find(part.tensor.name)->allocator;
    if (is_open(part.dims) && allocator == nullptr) {
      return refuse("enqueueV3", std::string("no output allocator is set for ") + part.tensor.name + ", whose shape is open");
    }
    must_run = must_run || is_open(part.dims) || allocator != nullptr;
  }
  if (is_recorded != 0 && (must_run || is_changed_)) {
    return refuse("enqueueV3", "operation not permitted when stream is capturing: something must be set up or waited for");
  }
  is_changed_ = false;
  if (must_run && !allocate(*job, stream)) return false;
  launch(std::move(job), stream, is_recorded != 0);
  return true;
}

IExecutionContext* Engine::createExecutionContext(ExecutionContextAllocationStrategy) noexcept {
  double_facts here;
  uint64_t scratch = 0;
  if (!facts_here(here, "ICudaEngine::createExecutionContext")) return nullptr;
  if (driver().allocate(&scratch, kScratch) != 0) {
    say("IRuntime::createExecutionContext: Error Code 2: OutOfMemory (Requested size was " + std::to_string(kScratch) + " bytes.)");
    return nullptr;
  }
  return new Context(*this, scratch);
}

ICudaEngine* Runtime::deserializeCudaEngine(const void* blob, size_t size) noexcept {
  const char* const caller = "IRuntime::deserializeCudaEngine: ";
  double_facts here;
  if (!facts_here(here, caller)) return nullptr;
  std::vector<double_range> ranges(kMostTensors);
  char* reason = nullptr;
  double_model* const read = double_plan_read(static_cast<const uint8_t*>(blob), size, &here, ranges.data(), &reason);
  if (read == nullptr) {
    say(caller + taken(reason));
    return nullptr;
  }
  Model model = own(read);
  const uint64_t bytes = std::max<uint64_t>(double_model_bytes(read), 1);
  uint64_t weights = 0;
  if (driver().allocate(&weights, bytes) != 0) {
    say(caller + ("Error Code 2: OutOfMemory (Requested size was " + std::to_string(bytes) + " bytes.)"));
    return nullptr;
  }
  return new Engine(*this, std::move(model), ranges, weights);
}

}  // namespace

void* double_create_runtime(void* logger, int32_t) {
  set_logger(logger);
  if (find_driver() == nullptr) {
    say("createInferRuntime: Error Code 6: API Usage Error (CUDA initialization failure with error: 35. Please check your CUDA "
        "installation: https://docs.nvidia.com/cuda/cuda-installation-guide-linux/index.html)");
    return reinterpret_cast<void*>(kNoRuntime);
  }
  return static_cast<IRuntime*>(new Runtime());
}
