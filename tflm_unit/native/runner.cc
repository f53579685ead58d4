#include "runner.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace tflm_unit {

namespace {

// Inferences that a thread takes at a time: several, because neighbours write to the same cache
// lines, but few enough to keep all threads busy to the end.
int64_t Grain(int64_t count, int threads) {
  return std::clamp<int64_t>(count / (int64_t{threads} * 4), 1, 8);
}

struct AlignedDelete {
  void operator()(std::byte *memory) const {
    ::operator delete[](memory, std::align_val_t{kAlignment});
  }
};
using AlignedMemory = std::unique_ptr<std::byte[], AlignedDelete>;

AlignedMemory Allocate(std::size_t size) {
  return AlignedMemory(static_cast<std::byte *>(
      ::operator new[](std::max(size, kAlignment), std::align_val_t{kAlignment})));
}

}  // namespace

// The state of one thread.
class Runner::Worker {
 public:
  explicit Worker(Runner &runner);
  void Run(int64_t inference);
  // Adds what was counted to the runner's totals.
  void Merge();

 private:
  struct Histogram {
    std::size_t request;  // index in RunRequest::histograms
    std::vector<uint32_t> counts;
    uint64_t most = 0;  // the largest value that a count may have by now
  };

  void CountActivations(int layer, const Call &call);
  void Flush(Histogram &histogram);

  Runner &runner_;
  AlignedMemory memory_;
  std::vector<void *> tensors_;
  std::vector<unit_counters> layer_counters_;       // by layer
  std::vector<std::vector<int64_t>> skipped_sums_;  // by layer
  std::vector<int> histogram_of_;                   // by layer, -1: none
  std::vector<Histogram> histograms_;
};

Runner::Worker::Worker(Runner &runner)
    : runner_(runner),
      memory_(Allocate(runner.plan_->size())),
      tensors_(runner.program_.tensors().size(), nullptr),
      layer_counters_(runner.program_.layers().size()),
      skipped_sums_(runner.program_.layers().size()),
      histogram_of_(runner.program_.layers().size(), -1) {
  for (std::size_t t = 0; t < tensors_.size(); ++t) {
    const std::size_t offset = runner.plan_->offset(static_cast<int>(t));
    if (offset != MemoryPlan::kUnplaced) tensors_[t] = memory_.get() + offset;
  }
  for (const LayerCounters &total : runner.counters_) {
    if (!runner.request_.skipped_sums) break;
    const auto layer = static_cast<std::size_t>(total.layer);
    skipped_sums_[layer].assign(total.skipped_sum.size(), 0);
    layer_counters_[layer].skipped_sum = skipped_sums_[layer].data();
  }
  const auto &requests = runner.request_.histograms;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::size_t size = runner.program_.prunable(requests[i].layer)->histogram_size();
    histogram_of_[static_cast<std::size_t>(requests[i].layer)] = static_cast<int>(i);
    histograms_.push_back({i, std::vector<uint32_t>(size, 0)});
  }
}

void Runner::Worker::Run(int64_t inference) {
  for (const auto *buffers : {&runner_.request_.inputs, &runner_.request_.outputs}) {
    for (const BatchBuffer &buffer : *buffers) {
      const std::size_t bytes = runner_.program_.tensor(buffer.tensor).bytes();
      tensors_[static_cast<std::size_t>(buffer.tensor)] =
          static_cast<std::byte *>(buffer.data) + static_cast<std::size_t>(inference) * bytes;
    }
  }
  void *scratch = memory_.get() + runner_.plan_->scratch_offset();
  for (int layer = 0; layer < runner_.request_.layer_count; ++layer) {
    const auto at = static_cast<std::size_t>(layer);
    const Call call = {tensors_.data(), scratch, &layer_counters_[at]};
    if (histogram_of_[at] >= 0) CountActivations(layer, call);
    runner_.program_.layers()[at]->Run(call);
  }
}

void Runner::Worker::CountActivations(int layer, const Call &call) {
  const PrunableLayer &prunable = *runner_.program_.prunable(layer);
  Histogram &histogram =
      histograms_[static_cast<std::size_t>(histogram_of_[static_cast<std::size_t>(layer)])];
  histogram.most += prunable.histogram_increment();
  if (histogram.most > std::numeric_limits<uint32_t>::max()) {
    Flush(histogram);
    histogram.most = prunable.histogram_increment();
  }
  prunable.CountActivations(call, histogram.counts.data());
}

void Runner::Worker::Flush(Histogram &histogram) {
  const std::lock_guard<std::mutex> lock(runner_.mutex_);
  uint64_t *total = runner_.request_.histograms[histogram.request].data;
  for (uint32_t &count : histogram.counts) {
    *total++ += count;
    count = 0;
  }
}

void Runner::Worker::Merge() {
  for (Histogram &histogram : histograms_) Flush(histogram);
  const std::lock_guard<std::mutex> lock(runner_.mutex_);
  for (LayerCounters &total : runner_.counters_) {
    const auto layer = static_cast<std::size_t>(total.layer);
    total.macs_total += layer_counters_[layer].macs_total;
    total.macs_zero += layer_counters_[layer].macs_zero;
    total.macs_skipped += layer_counters_[layer].macs_skipped;
    for (std::size_t c = 0; c < total.skipped_sum.size(); ++c) {
      total.skipped_sum[c] += skipped_sums_[layer][c];
    }
  }
}

Runner::Runner(const Program &program, RunRequest request)
    : program_(program), request_(std::move(request)) {
  Check();
  std::vector<bool> external(program.tensors().size(), false);
  for (const BatchBuffer &buffer : request_.outputs) {
    external[static_cast<std::size_t>(buffer.tensor)] = true;
  }
  plan_ = std::make_unique<MemoryPlan>(program, request_.layer_count, external);
  for (int layer = 0; layer < request_.layer_count; ++layer) {
    const PrunableLayer *prunable = program.prunable(layer);
    if (prunable == nullptr) continue;
    counters_.emplace_back();
    counters_.back().layer = layer;
    if (request_.skipped_sums) {
      counters_.back().skipped_sum.assign(static_cast<std::size_t>(prunable->channels()), 0);
    }
  }
  grain_ = Grain(request_.count, request_.threads);
  const int64_t grains = (request_.count + grain_ - 1) / grain_;
  const auto threads = static_cast<std::size_t>(std::min<int64_t>(request_.threads, grains));
  running_ = threads;
  try {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  } catch (...) {
    stop_ = true;
    Join();
    throw;
  }
}

Runner::~Runner() {
  stop_ = true;
  Join();
}

void Runner::Join() {
  for (std::thread &thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Runner::Check() const {
  Require(request_.threads >= 1, "threads must be at least 1");
  Require(request_.count >= 0, "the number of inferences is negative");
  Require(request_.layer_count >= 0 &&
              request_.layer_count <= static_cast<int>(program_.layers().size()),
          "the program does not have " + std::to_string(request_.layer_count) + " layers");
  std::vector<bool> given(program_.tensors().size(), false);
  for (const BatchBuffer &buffer : request_.inputs) {
    Require(program_.tensor(buffer.tensor).role == Tensor::Role::kInput,
            "tensor " + std::to_string(buffer.tensor) + " is not an input");
    given[static_cast<std::size_t>(buffer.tensor)] = true;
  }
  for (std::size_t t = 0; t < given.size(); ++t) {
    Require(given[t] || program_.tensors()[t].role != Tensor::Role::kInput,
            "input tensor " + std::to_string(t) + " is missing");
  }
  std::vector<bool> written(program_.tensors().size(), false);
  for (int layer = 0; layer < request_.layer_count; ++layer) {
    const Layer &l = *program_.layers()[static_cast<std::size_t>(layer)];
    written[static_cast<std::size_t>(l.output().tensor)] = true;
  }
  for (const BatchBuffer &buffer : request_.outputs) {
    Require(program_.tensor(buffer.tensor).role == Tensor::Role::kActivation &&
                written[static_cast<std::size_t>(buffer.tensor)],
            "no layer that runs writes tensor " + std::to_string(buffer.tensor));
  }
  for (const HistogramBuffer &histogram : request_.histograms) {
    Require(histogram.layer < request_.layer_count && program_.prunable(histogram.layer) != nullptr,
            "layer " + std::to_string(histogram.layer) + " has no histogram");
  }
}

void Runner::Work() {
  try {
    Worker worker(*this);
    while (!stop_) {
      const int64_t first = next_.fetch_add(grain_);
      if (first >= request_.count) break;
      const int64_t end = std::min(first + grain_, request_.count);
      for (int64_t inference = first; inference < end && !stop_; ++inference) {
        worker.Run(inference);
        ++done_;
      }
    }
    worker.Merge();
  } catch (...) {
    stop_ = true;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--running_ == 0) ended_.notify_all();
}

bool Runner::WaitFor(std::chrono::milliseconds timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  return ended_.wait_for(lock, timeout, [this] { return running_ == 0; });
}

std::vector<LayerCounters> Runner::Finish() {
  Join();
  if (error_) std::rethrow_exception(error_);
  return std::move(counters_);
}

}  // namespace tflm_unit
