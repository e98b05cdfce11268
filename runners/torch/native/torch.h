// What the Torch worker asks of libtorch beyond what the crate tch offers: modules that are rewritten, inputs by name,
// outputs of any structure, streams. A C interface: no exception leaves it, and what failed is a text.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

typedef struct nav_module nav_module;
typedef struct nav_session nav_session;
typedef struct nav_outputs nav_outputs;

// Where a failure leaves its reason. The text is freed with `nav_text_free`.
void nav_text_free(char* text);

// Opens a library for everything that is opened later. 0, or -1 with a reason.
int nav_library_open(const char* path, char** reason);

// The version of the libtorch that is in use: major, minor and patch in the three highest bytes.
uint64_t nav_torch_version(void);

// Whether GPUs may compute products of FP32 with ten bits of mantissa, in all of this process. By itself libtorch lets convolutions.
int nav_allow_tf32(int is_allowed, char** reason);

// Loads a module, ready to be evaluated. `cuda` is the number of a GPU, or -1 for the processor.
nav_module* nav_module_load(const char* path, int cuda, char** reason);
void nav_module_free(nav_module* module);

// Rewrites a module: 1 freezes it, 2 folds what is constant as well, 3 prepares it for inference alone.
int nav_module_rewrite(nav_module* module, int level, char** reason);

// Lays the weights out with the channels last, and the four-dimensional inputs of every run. To be done before the module
// is rewritten: a frozen one has constants in place of weights.
int nav_module_channels_last(nav_module* module, char** reason);

// What `forward` takes: a line for each argument, with its name, its type, and `=` where it has a default. Freed with
// `nav_text_free`.
char* nav_module_arguments(const nav_module* module, char** reason);

// One thread's use of a module: a stream of its own on a GPU. `autocast` is 0 for none, 1 for bf16, 2 for fp16. A session
// must be freed before its module.
nav_session* nav_session_open(nav_module* module, int autocast, char** reason);
void nav_session_free(nav_session* session);

// Calls `forward` with tensors of the host, by name. Outputs are dense tensors of the host that nobody else holds.
nav_outputs* nav_session_run(nav_session* session, const char* const* names, void* const* tensors, size_t count,
                             char** reason);
void nav_outputs_free(nav_outputs* outputs);
size_t nav_outputs_count(const nav_outputs* outputs);
const char* nav_outputs_name(const nav_outputs* outputs, size_t index);

// Hands out a tensor, which tch frees.
void* nav_outputs_take(nav_outputs* outputs, size_t index);
}
