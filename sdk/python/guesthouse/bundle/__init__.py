"""The app's modules and files inside of the snapshot: after the seal, the guest answers for them from its memory."""
