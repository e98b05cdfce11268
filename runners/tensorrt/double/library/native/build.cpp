// The parser, the builder and all that a build is told: what a network may be, what its profile must say, and what is kept of measurements.
#include "shared.h"

#include <cstring>
#include <map>
#include <set>

using namespace nvinfer1;
using namespace nvinfer1::apiv;
using nvonnxparser::IParser;
using nvonnxparser::IParserError;

namespace {

using namespace shared;

constexpr uintptr_t kNoBuilder = 0x228;

class Bytes final : public IHostMemory, public Missing<VHostMemory> {
 public:
  explicit Bytes(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) { mImpl = this; }
  void* data() const noexcept override { return const_cast<uint8_t*>(bytes_.data()); }
  size_t size() const noexcept override { return bytes_.size(); }
  DataType type() const noexcept override { return DataType::kINT8; }

 private:
  const std::vector<uint8_t> bytes_;
  Counted counted_;
};

class Profile final : public IOptimizationProfile, public Missing<VOptimizationProfile> {
 public:
  Profile() { mImpl = this; }

  bool setDimensions(const char* name, OptProfileSelector select, const Dims& dims) noexcept override {
    std::map<OptProfileSelector, Dims>& known = all[name];
    for (int32_t axis = 0; axis < dims.nbDims; ++axis) {
      if (dims.d[axis] < 0) return refuse(name, "a dimension is negative");
    }
    for (const auto& [other, of] : known) {
      if (of.nbDims != dims.nbDims) return refuse(name, "the number of dimensions differs");
      for (int32_t axis = 0; axis < dims.nbDims; ++axis) {
        const bool falls = other < select ? of.d[axis] > dims.d[axis] : other > select && of.d[axis] < dims.d[axis];
        if (falls) return refuse(name, "minDims <= optDims <= maxDims does not hold");
      }
    }
    known[select] = dims;
    return true;
  }

  bool isValid() const noexcept override {
    for (const auto& [name, known] : all) {
      if (known.size() != 3) return refuse(name.c_str(), "not all of its dimensions are set");
    }
    return true;
  }

  std::map<std::string, std::map<OptProfileSelector, Dims>> all;

 private:
  static bool refuse(const char* name, const char* why) {
    say(std::string("IOptimizationProfile: Error Code 3: API Usage Error (") + name + ": " + why + ")");
    return false;
  }
  Counted counted_;
};

// What was measured: a mark, the device, the version, and a number for each graph that was built.
class Timing final : public ITimingCache, public Missing<VTimingCache> {
 public:
  explicit Timing(const double_facts& of) : facts(of) { mImpl = this; }

  static Timing* read(const double_facts& here, const void* blob, size_t size) {
    auto timing = std::make_unique<Timing>(here);
    if (size == 0) return timing.release();
    const auto* at = static_cast<const uint8_t*>(blob);
    const size_t head = sizeof kMark + sizeof here.capability + sizeof here.version;
    if (size < head || memcmp(at, kMark, sizeof kMark) != 0 || (size - head) % sizeof(uint64_t) != 0) {
      say("IBuilderConfig::createTimingCache: Error Code 1: Serialization (the timing cache is damaged)");
      return nullptr;
    }
    memcpy(timing->facts.capability, at + sizeof kMark, sizeof here.capability);
    memcpy(timing->facts.version, at + sizeof kMark + sizeof here.capability, sizeof here.version);
    for (size_t place = head; place < size; place += sizeof(uint64_t)) {
      uint64_t number = 0;
      memcpy(&number, at + place, sizeof number);
      timing->measured.insert(number);
    }
    return timing.release();
  }

  IHostMemory* serialize() const noexcept override {
    std::vector<uint8_t> bytes(kMark, kMark + sizeof kMark);
    const auto add = [&](const void* from, size_t size) {
      bytes.insert(bytes.end(), static_cast<const uint8_t*>(from), static_cast<const uint8_t*>(from) + size);
    };
    add(facts.capability, sizeof facts.capability);
    add(facts.version, sizeof facts.version);
    for (const uint64_t number : measured) add(&number, sizeof number);
    return new Bytes(std::move(bytes));
  }

  double_facts facts;
  std::set<uint64_t> measured;
  // Gone with it, so that who uses it longer is found out.
  const std::shared_ptr<int> life = std::make_shared<int>(0);

 private:
  static constexpr char kMark[4] = {'N', 'T', 'I', 'M'};
  Counted counted_;
};

class Network final : public INetworkDefinition, public Missing<VNetworkDefinition> {
 public:
  Network() { mImpl = this; }
  // The parser holds what the network refers to.
  std::weak_ptr<double_model> model;

 private:
  Counted counted_;
};

class Builder;

class Config final : public IBuilderConfig, public Missing<VBuilderConfig> {
 public:
  explicit Config(Builder& of) : builder_(of) { mImpl = this; }

  void setFlag(BuilderFlag flag) noexcept override { flags_.insert(flag); }
  void clearFlag(BuilderFlag flag) noexcept override { flags_.erase(flag); }
  bool getFlag(BuilderFlag flag) const noexcept override { return flags_.count(flag) != 0; }
  void setBuilderOptimizationLevel(int32_t to) noexcept override { level = to; }
  void setMemoryPoolLimit(MemoryPoolType pool, size_t size) noexcept override {
    if (pool == MemoryPoolType::kWORKSPACE) workspace = size;
  }
  int32_t addOptimizationProfile(const IOptimizationProfile* profile) noexcept override {
    if (profile == nullptr || !profile->isValid()) return -1;
    profiles.push_back(static_cast<const Profile*>(profile));
    return static_cast<int32_t>(profiles.size()) - 1;
  }
  ITimingCache* createTimingCache(const void* blob, size_t size) const noexcept override {
    double_facts here;
    return facts_here(here, "IBuilderConfig::createTimingCache") ? Timing::read(here, blob, size) : nullptr;
  }
  bool setTimingCache(const ITimingCache& cache, bool ignore_mismatch) noexcept override;

  int32_t level = 3;
  uint64_t workspace = 0;
  std::vector<const Profile*> profiles;
  Timing* timing = nullptr;

 private:
  Builder& builder_;
  // TF32 is on unless it is cleared.
  std::set<BuilderFlag> flags_{BuilderFlag::kTF32};
  Counted counted_;
};

class Builder final : public IBuilder, public Missing<VBuilder> {
 public:
  Builder() { mImpl = this; }
  ~Builder() noexcept override {
    for (const std::weak_ptr<int>& cache : caches) {
      if (cache.expired()) misuse("a timing cache is destroyed before the builder that uses it");
    }
  }

  IBuilderConfig* createBuilderConfig() noexcept override { return new Config(*this); }
  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags) noexcept override { return new Network(); }
  // It stays the builder's.
  IOptimizationProfile* createOptimizationProfile() noexcept override {
    profiles_.push_back(std::make_unique<Profile>());
    return profiles_.back().get();
  }
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept override;

  std::vector<std::weak_ptr<int>> caches;

 private:
  static IHostMemory* refuse(const std::string& why) {
    say("IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (" + why + ")");
    return nullptr;
  }
  static std::string objection(const double_tensor& input, const Config& config, double_range& range);

  std::vector<std::unique_ptr<Profile>> profiles_;
  Counted counted_;
};

bool Config::setTimingCache(const ITimingCache& cache, bool ignore_mismatch) noexcept {
  Timing& given = const_cast<Timing&>(static_cast<const Timing&>(cache));
  double_facts here;
  if (!facts_here(here, "IBuilderConfig::setTimingCache")) return false;
  const bool is_same = memcmp(here.capability, given.facts.capability, sizeof here.capability) == 0 &&
                       memcmp(here.version, given.facts.version, sizeof here.version) == 0;
  if (!is_same && !ignore_mismatch) {
    say("IBuilderConfig::setTimingCache: the timing cache is of another device or version");
    return false;
  }
  timing = &given;
  builder_.caches.push_back(given.life);
  return true;
}

// What is wrong with what is known of an input; its range where nothing is.
std::string Builder::objection(const double_tensor& input, const Config& config, double_range& range) {
  const std::string name = input.name;
  const Dims network = dims_of(input.shape);
  bool is_dynamic = false;
  for (int32_t axis = 0; axis < network.nbDims; ++axis) is_dynamic = is_dynamic || network.d[axis] < 0;
  if (input.is_shape != 0 && !is_on("shape_values")) {
    return name + " is a shape tensor, and the profile has no values of it";
  }
  if (is_dynamic && config.profiles.empty()) {
    return "Network has dynamic or shape inputs, but no optimization profile has been defined.";
  }
  if (config.profiles.empty()) return {};
  const auto& all = config.profiles.front()->all;
  const auto known = all.find(name);
  if (known == all.end()) return is_dynamic ? name + ": dynamic input is missing dimensions in profile 0." : std::string();
  size_t place = 0;
  for (const auto& [select, dims] : known->second) {
    if (dims.nbDims != network.nbDims) return name + ": for profile 0 dimensions mismatch";
    for (int32_t axis = 0; axis < dims.nbDims; ++axis) {
      if (network.d[axis] >= 0 && network.d[axis] != dims.d[axis]) {
        return name + ": for dimension number " + std::to_string(axis) + " in profile 0 does not match network definition";
      }
    }
    range.of[place++] = shape_of(dims);
  }
  return {};
}

IHostMemory* Builder::buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept {
  const Model model = static_cast<Network&>(network).model.lock();
  auto& told = static_cast<Config&>(config);
  if (model == nullptr) {
    misuse("a network is built that nothing was parsed into, or whose parser is gone");
    return refuse("Network must have at least one output");
  }
  if (told.level < 0 || told.level > 5) return refuse("the optimization level is not in 0 to 5");
  double_facts facts;
  if (!facts_here(facts, "IBuilder::buildSerializedNetwork")) return nullptr;
  facts.tf32 = told.getFlag(BuilderFlag::kTF32) ? 1 : 0;
  facts.level = told.level;
  facts.workspace = told.workspace;
  std::vector<double_range> ranges;
  const std::vector<double_tensor> tensors = tensors_of(model);
  std::set<std::string> names;
  for (const double_tensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return refuse(std::string("Repeated tensor name: ") + tensor.name + " (tensors must have unique names)");
    }
    if (tensor.is_input == 0) continue;
    double_range range{tensor.name, {{-1, {}}, {-1, {}}, {-1, {}}}};
    const std::string why = objection(tensor, told, range);
    if (!why.empty()) return refuse(why);
    ranges.push_back(range);
  }
  if (told.timing != nullptr && !told.timing->measured.insert(double_model_digest(model.get())).second) {
    driver().count(kTIMING_HITS, 1);
  }
  size_t size = 0;
  uint8_t* const plan = double_plan_write(model.get(), &facts, ranges.data(), ranges.size(), &size);
  if (plan == nullptr) return refuse("the plan cannot be written");
  auto* const bytes = new Bytes(std::vector<uint8_t>(plan, plan + size));
  double_plan_free(plan, size);
  return bytes;
}

class ParserError final : public Missing<IParserError> {
 public:
  explicit ParserError(std::string text) : text_(std::move(text)) {}
  const char* desc() const override { return text_.c_str(); }
  const char* nodeName() const override { return ""; }

 private:
  const std::string text_;
};

class Parser final : public Missing<IParser> {
 public:
  explicit Parser(Network& network) : network_(network) {}

  bool parseFromFile(const char* path, int) noexcept override {
    char* reason = nullptr;
    double_model* const read = double_model_read(path, &reason);
    if (read == nullptr) {
      errors_.push_back(std::make_unique<ParserError>(taken(reason)));
      return false;
    }
    model_ = own(read);
    if (double_model_count(read) > kMostTensors) {
      errors_.push_back(std::make_unique<ParserError>("the double has no room for so many tensors"));
      return false;
    }
    network_.model = model_;
    return true;
  }
  int getNbErrors() const noexcept override { return static_cast<int>(errors_.size()); }
  const nvonnxparser::IParserError* getError(int index) const noexcept override {
    return index >= 0 && index < getNbErrors() ? errors_[static_cast<size_t>(index)].get() : nullptr;
  }
  void clearErrors() noexcept override { errors_.clear(); }

 private:
  Network& network_;
  Model model_;
  std::vector<std::unique_ptr<ParserError>> errors_;
  Counted counted_;
};

}  // namespace

void* double_create_builder(void* logger, int32_t) {
  set_logger(logger);
  if (find_driver() == nullptr) {
    say("createInferBuilder: Error Code 6: API Usage Error (CUDA initialization failure with error: 35)");
    return reinterpret_cast<void*>(kNoBuilder);
  }
  return static_cast<IBuilder*>(new Builder());
}

void* double_create_parser(void* network, void* logger, int) {
  set_logger(logger);
  return static_cast<nvonnxparser::IParser*>(new Parser(*static_cast<Network*>(static_cast<INetworkDefinition*>(network))));
}
