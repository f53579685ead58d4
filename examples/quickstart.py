"""Train a Keras model, attach UnIT thresholds, run it in TensorFlow Lite Micro. Run: python examples/quickstart.py"""

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import tflm_unit

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32).reshape(-1, 8, 8, 1)
x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.3, random_state=1)

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.4),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x_train, y_train, epochs=30, verbose=0)

# Two operating points: the first is the default, the application switches between inferences.
points = {"balanced": tflm_unit.SkipRate(0.6), "saver": tflm_unit.SkipRate(0.8)}
result = tflm_unit.convert(model, x_train, points=points)
print(result)
for name in points:
    evaluation = result.evaluate(x_test, y_test, point=name)
    print(f"{name}: accuracy {evaluation.accuracy:.2%}, {evaluation.skip_rate:.1%} of MACs skipped")
result.save("digits_unit.tflite")

# The file in the real TFLM interpreter with our kernels.
interpreter = tflm_unit.Interpreter("digits_unit.tflite", point="saver")
(details,) = interpreter.get_input_details()
scale, zero_point = details["quantization"]
image = np.clip(np.round(x_test[:1] / scale + zero_point), -128, 127).astype(np.int8)
interpreter.set_tensor(details["index"], image)
interpreter.invoke()
scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
print(f"TFLM says {scores.argmax()}, the label is {y_test[0]}")
for layer in interpreter.stats():
    print(f"  {layer.name}: {layer.macs_skipped:,} of {layer.macs_total:,} MACs skipped")
