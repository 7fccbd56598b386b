"""What a person does with a deployment: one verb a file. Deployment has a few lines over each."""
