// See torch.h. Structure of outputs becomes names here: a lone tensor is `output`, the parts of tuples and lists are
// numbered (`output_0`) or have the names of a named tuple, and the members of dictionaries have their keys.
#include "torch.h"

#include <dlfcn.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/script.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>

struct nav_module {
  torch::jit::Module module;
  c10::Device device;
  bool channels_last = false;
};

struct nav_session {
  nav_module* owner;
  std::optional<c10::Stream> stream;
  int autocast = 0;
};

struct nav_outputs {
  std::vector<std::string> names;
  std::vector<at::Tensor> tensors;
};

namespace {

// Longer reasons are cut: libtorch adds its own stack and the source of the model.
constexpr size_t kLongestReason = 4000;

void tell(char** reason, const std::string& text) {
  if (reason != nullptr) *reason = strdup(text.substr(0, kLongestReason).c_str());
}

// What `work` gives, or `failed` with the reason.
template <typename Work, typename Result>
Result guarded(char** reason, Result failed, Work work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    tell(reason, error.what_without_backtrace());
  } catch (const std::exception& error) {
    tell(reason, error.what());
  } catch (...) {
    tell(reason, "libtorch threw something that is no error");
  }
  return failed;
}

std::string joined(const std::string& name, const std::string& part) {
  return name.empty() ? part : name + "_" + part;
}

void add(nav_outputs& outputs, const std::string& name, at::Tensor tensor) {
  outputs.names.push_back(name.empty() ? "output" : name);
  outputs.tensors.push_back(std::move(tensor));
}

void flatten(const c10::IValue& value, const std::string& name, nav_outputs& outputs);

void flatten_tuple(const c10::IValue& value, const std::string& name, nav_outputs& outputs) {
  const auto tuple = value.toTuple();
  const auto schema = tuple->type()->schema();
  const auto& elements = tuple->elements();
  for (size_t i = 0; i < elements.size(); ++i) {
    const bool is_named = schema && i < schema->arguments().size();
    const std::string base = name.empty() ? "output" : name;
    flatten(elements[i], is_named ? joined(name, schema->arguments()[i].name()) : joined(base, std::to_string(i)),
            outputs);
  }
}

void flatten(const c10::IValue& value, const std::string& name, nav_outputs& outputs) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) add(outputs, name, value.toTensor());
  } else if (value.isTuple()) {
    flatten_tuple(value, name, outputs);
  } else if (value.isList()) {
    const auto list = value.toList();
    for (size_t i = 0; i < list.size(); ++i) {
      flatten(list.get(i), joined(name.empty() ? "output" : name, std::to_string(i)), outputs);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const auto& key = entry.key();
      const std::string part = key.isString() ? key.toStringRef() : key.isInt() ? std::to_string(key.toInt()) : "";
      TORCH_CHECK(!part.empty(), "an output is a dictionary whose keys are neither texts nor whole numbers");
      flatten(entry.value(), joined(name, part), outputs);
    }
  } else if (value.isBool()) {
    add(outputs, name, at::scalar_tensor(value.toBool(), at::kBool));
  } else if (value.isInt()) {
    add(outputs, name, at::scalar_tensor(value.toInt(), at::kLong));
  } else if (value.isDouble()) {
    add(outputs, name, at::scalar_tensor(value.toDouble(), at::kDouble));
  } else {
    TORCH_CHECK(value.isNone(), "an output is a ", value.tagKind(), ", which is no tensor");
  }
}

void check_names(const nav_outputs& outputs) {
  const std::set<std::string> distinct(outputs.names.begin(), outputs.names.end());
  TORCH_CHECK(distinct.size() == outputs.names.size(), "two outputs have one name");
}

// Dense, of the host, and held by nobody else: what an input, a weight or another output shares is copied.
at::Tensor own(at::Tensor tensor) {
  if (tensor.is_mkldnn() || tensor.layout() != at::kStrided) tensor = tensor.to_dense();
  if (tensor.is_quantized()) tensor = tensor.dequantize();
  tensor = tensor.resolve_conj().resolve_neg();
  if (tensor.is_cuda()) {
    auto host = at::empty(tensor.sizes(), tensor.options().device(at::kCPU).pinned_memory(true));
    return host.copy_(tensor, true);
  }
  const bool is_shared = tensor.storage().use_count() > 1 || tensor.use_count() > 1;
  return is_shared ? tensor.clone(at::MemoryFormat::Contiguous) : tensor.contiguous();
}

// Turns autocast on for a GPU, and off again whatever happens.
class Autocast {
 public:
  explicit Autocast(int kind) : is_on_(kind != 0) {
    if (!is_on_) return;
    at::autocast::set_autocast_dtype(at::kCUDA, kind == 1 ? at::kBFloat16 : at::kHalf);
    at::autocast::set_autocast_enabled(at::kCUDA, true);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (!is_on_) return;
    at::autocast::set_autocast_enabled(at::kCUDA, false);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool is_on_;
};

at::Tensor placed(const nav_module& module, const at::Tensor& input) {
  at::Tensor tensor = input;
  if (module.device.is_cuda()) tensor = tensor.to(module.device, tensor.scalar_type(), /*non_blocking=*/true);
  if (module.channels_last && tensor.dim() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
  return tensor;
}

nav_outputs* run(nav_session& session, const char* const* names, void* const* tensors, size_t count) {
  const c10::InferenceMode inference;
  c10::OptionalStreamGuard on_stream;
  if (session.stream) on_stream.reset_stream(*session.stream);
  auto outputs = std::make_unique<nav_outputs>();
  {
    const Autocast autocast(session.autocast);
    torch::jit::Kwargs inputs;
    for (size_t i = 0; i < count; ++i) {
      inputs[names[i]] = placed(*session.owner, *static_cast<at::Tensor*>(tensors[i]));
    }
    flatten(session.owner->module.get_method("forward")({}, inputs), "", *outputs);
  }
  check_names(*outputs);
  for (auto& tensor : outputs->tensors) tensor = own(std::move(tensor));
  if (session.stream) {
    const c10::impl::VirtualGuardImpl device(session.stream->device_type());
    device.synchronizeStream(*session.stream);
  }
  return outputs.release();
}

}  // namespace

void nav_text_free(char* text) { free(text); }

int nav_library_open(const char* path, char** reason) {
  if (dlopen(path, RTLD_NOW | RTLD_GLOBAL) != nullptr) return 0;
  const char* text = dlerror();
  tell(reason, text == nullptr ? "it cannot be opened" : text);
  return -1;
}

uint64_t nav_torch_version(void) { return aoti_torch_abi_version(); }

int nav_allow_tf32(int is_allowed, char** reason) {
  return guarded(reason, -1, [&] {
    at::globalContext().setAllowTF32CuDNN(is_allowed != 0);
    at::globalContext().setAllowTF32CuBLAS(is_allowed != 0);
    return 0;
  });
}

nav_module* nav_module_load(const char* path, int cuda, char** reason) {
  return guarded(reason, static_cast<nav_module*>(nullptr), [&] {
    const c10::Device device = cuda < 0 ? c10::Device(at::kCPU) : c10::Device(at::kCUDA, static_cast<int8_t>(cuda));
    // Pieces that it compiles while models run come and go with the shapes of requests, and would be compiled again.
    torch::jit::setTensorExprFuserEnabled(false);
    auto module = torch::jit::load(path, device);
    TORCH_CHECK(module.find_method("forward"), "it has no method `forward`");
    module.eval();
    return new nav_module{std::move(module), device};
  });
}

void nav_module_free(nav_module* module) { delete module; }

int nav_module_rewrite(nav_module* module, int level, char** reason) {
  return guarded(reason, -1, [&] {
    if (level == 1) module->module = torch::jit::freeze(module->module, std::nullopt, /*optimize_numerics=*/false);
    if (level >= 2) module->module = torch::jit::freeze(module->module);
    if (level >= 3) module->module = torch::jit::optimize_for_inference(module->module);
    return 0;
  });
}

int nav_module_channels_last(nav_module* module, char** reason) {
  return guarded(reason, -1, [&] {
    const at::NoGradGuard no_gradients;
    for (at::Tensor weight : module->module.parameters()) {
      if (weight.dim() == 4) weight.set_data(weight.contiguous(at::MemoryFormat::ChannelsLast));
    }
    module->channels_last = true;
    return 0;
  });
}

char* nav_module_arguments(const nav_module* module, char** reason) {
  return guarded(reason, static_cast<char*>(nullptr), [&] {
    std::ostringstream lines;
    const auto& schema = module->module.get_method("forward").function().getSchema();
    bool is_first = true;
    for (const auto& argument : schema.arguments()) {
      if (!is_first) {
        lines << argument.name() << '\t' << argument.type()->str() << '\t' << (argument.default_value() ? "=" : "")
              << '\n';
      }
      is_first = false;
    }
    return strdup(lines.str().c_str());
  });
}

nav_session* nav_session_open(nav_module* module, int autocast, char** reason) {
  return guarded(reason, static_cast<nav_session*>(nullptr), [&] {
    auto session = std::make_unique<nav_session>();
    session->owner = module;
    session->autocast = autocast;
    if (module->device.is_cuda()) {
      const c10::impl::VirtualGuardImpl device(module->device.type());
      session->stream = device.getStreamFromGlobalPool(module->device);
    }
    return session.release();
  });
}

void nav_session_free(nav_session* session) { delete session; }

nav_outputs* nav_session_run(nav_session* session, const char* const* names, void* const* tensors, size_t count,
                             char** reason) {
  return guarded(reason, static_cast<nav_outputs*>(nullptr), [&] { return run(*session, names, tensors, count); });
}

void nav_outputs_free(nav_outputs* outputs) { delete outputs; }

size_t nav_outputs_count(const nav_outputs* outputs) { return outputs->tensors.size(); }

const char* nav_outputs_name(const nav_outputs* outputs, size_t index) { return outputs->names.at(index).c_str(); }

void* nav_outputs_take(nav_outputs* outputs, size_t index) { return new at::Tensor(std::move(outputs->tensors.at(index))); }
