"""What fine-tuning on a new hospital's nodules gains: a learning curve on LIDC-IDRI, a scanner's maker a hospital."""
